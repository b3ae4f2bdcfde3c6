"""The pages of the site. Who may see which profile is ProfileQuerySet.visible_to's to say."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpResponseForbidden, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.views import forbidden

from .directory.paging import NumberedPaginator
from .forms import ProfileForm
from .models import Profile, ResumeDownload

NEWEST = 6
LATEST_DOWNLOADS = 3
DOWNLOADS_PER_PAGE = 50
# The standard's, then those of older Chromium, Safari and Firefox.
PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


@require_safe
def home(request):
    """Say what this site is; show a member what is new."""
    visible = Profile.objects.visible_to(request.user).exclude(name="")
    context = {"newest": visible.order_by("-created_at", "-pk")[:NEWEST]}
    if request.user.is_authenticated:
        with_resume = visible.exclude(resume="").exclude(user=request.user)
        context["updated"] = with_resume.order_by("-updated_at", "-pk")[:NEWEST]
        context["opened"] = opened_by_others(request.user.profile)[:LATEST_DOWNLOADS]
    return render(request, "profiles/home.html", context)


@require_safe
def profile(request, pk):
    """Show one profile; the resume is linked for members only, by its view's address."""
    shown = get_object_or_404(Profile.objects.visible_to(request.user), pk=pk)
    return render_profile(request, shown)


@require_safe
@never_cache
def resume(request, pk):
    """Send a member to a temporary link to the resume; a stranger learns nothing."""
    if not request.user.is_authenticated:
        return forbidden(request)
    if is_prefetch(request):
        # Not the redirect without a record: a browser would keep it and follow it on a click that
        # the site never sees. What was refused, it asks for again. (204 would undo the click, and
        # 503 would be logged as a fault of the site.)
        return HttpResponseForbidden("Only a click opens this.\n", content_type="text/plain")
    profile = get_object_or_404(Profile.objects.visible_to(request.user), pk=pk)
    if not profile.resume:
        raise Http404("No resume")
    link = profile.resume.storage.url(profile.resume.name, filename=profile.resume_filename)
    if request.method == "GET":  # a HEAD only asks whether there is something to open
        ResumeDownload.objects.create(profile=profile, member=request.user)
    return HttpResponseRedirect(link, headers={"Referrer-Policy": "no-referrer"})


def is_prefetch(request) -> bool:
    """Return True if a browser asks before a click that may never come, or for a preview."""
    said = " ".join(request.headers.get(name, "") for name in PREFETCH_HEADERS).lower()
    return any(purpose in said for purpose in ("prefetch", "prerender", "preview"))


@require_safe
@login_required
def me(request):
    """Show a member her own profile."""
    return render_profile(request, request.user.profile)


def render_profile(request, profile):
    """Render a profile; to its owner, with who opened the resume."""
    context = {"profile": profile, "is_own": profile.user_id == request.user.pk}
    if context["is_own"]:
        context["opened"] = opened_by_others(profile)[:LATEST_DOWNLOADS]
    return render(request, "profiles/profile.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit_me(request):
    """Let a member change her own profile, and nobody else's."""
    if request.method == "POST":
        # Of two uploads at once the later one has to know what the earlier one has stored: saving
        # deletes the file that it replaces.
        with transaction.atomic():
            profile = Profile.objects.select_for_update().get(user=request.user)
            form = ProfileForm(request.POST, request.FILES, instance=profile)
            if form.is_valid():
                form.save()
                messages.success(request, "Your profile is saved.")
                return redirect("me")
    else:
        form = ProfileForm(instance=request.user.profile)
    return render(request, "profiles/edit.html", {"form": form})


@require_safe
@login_required
def resume_opened(request):
    """Tell a member who opened her resume, and when."""
    opened = opened_by_others(request.user.profile)
    page = NumberedPaginator(opened, DOWNLOADS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "profiles/resume_opened.html", {"page": page})


def opened_by_others(profile):
    """The openings of this profile's resume, newest first, without its owner's own.

    Each says whether its owner may look back: ``member_is_visible``.
    """
    visible = Profile.objects.visible_to(profile.user).filter(user=OuterRef("member"))
    opened = profile.downloads.exclude(member=profile.user)
    return opened.select_related("member__profile").annotate(member_is_visible=Exists(visible))
