"""The pages of the site. ProfileQuerySet.visible_to decides who may see which profile."""

from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.http import Http404, HttpResponseForbidden, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.defaults import page_not_found

from portal.views import forbidden

from .access import seen_details
from .directory.paging import NumberedPaginator
from .directory.resume_texts import state_of
from .forms import ProfileForm
from .home import (
    ASKED,
    do_not_ask_again,
    first_missing,
    newest_for,
    own_profile,
    updated_for,
)
from .models import Profile, ResumeDownload, User
from .openings import latest_openings, opened_by_others, openings_by_others, with_openers
from .prepared import Prepared
from .society.first_steps import first_steps
from .uploads.forms import told_to_wait
from .weeks import chart_of

DOWNLOADS_PER_PAGE = 50
# The standard's, then those of older Chromium, Safari and Firefox.
PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


@require_safe
def home(request):
    """Show what this site is for, and to members what is new."""
    context = {"newest": newest_for(request.user)}
    if request.user.is_authenticated:
        context["updated"] = updated_for(request.user)
        context["opened"] = latest_openings(request.user)
        context["own"] = own_profile(request.user)
        context["missing"] = first_missing(context["own"])
        context["first_steps"] = first_steps(request.user)
    return render(request, "profiles/home.html", context)


@require_POST
@login_required
def not_now(request, name):
    """Do not ask a member again for what the profile lacks."""
    if name not in {missing.name for missing in ASKED}:
        raise Http404("Nothing that is asked for")
    do_not_ask_again(request.user.profile, name)
    return redirect("home")


@require_safe
def profile(request, pk):
    """Show one profile; the resume is linked for members only, by its view's address."""
    return render_profile(request, visible_or_404(request.user, pk))


@Prepared
def one_visible(user, pk):
    return Profile.objects.visible_to(user).filter(pk=pk)


def visible_or_404(user, pk) -> Profile:
    """Return a profile that a user may see."""
    for profile in one_visible.objects(user, pk):
        return profile
    raise Http404("No such profile")


@require_safe
@never_cache
def resume(request, pk):
    """Redirect a member to a temporary link to the resume; refuse anonymous visitors.

    They get the same answer whether there is a resume or not.
    """
    if not request.user.is_authenticated:
        return forbidden(request)
    if is_prefetch(request):
        # A redirect without a record would not do: the browser would keep it and follow it on a
        # click that the site never sees. After a refusal it asks again. (After a 204 the click
        # would do nothing, and a 503 would be logged as a fault of the site.)
        return HttpResponseForbidden("Only a click opens this.\n", content_type="text/plain")
    profile = visible_or_404(request.user, pk)
    if not profile.resume:
        raise Http404("No resume")
    if request.method == "HEAD":  # it only asks whether there is something to open
        return redirect(profile)  # a link, which nothing records, would open the file all the same
    link = profile.resume.storage.url(profile.resume.name, filename=profile.resume_filename)
    try:
        ResumeDownload.objects.create(profile=profile, member=request.user)
    except IntegrityError:  # the owner was deleted at this moment
        raise Http404("No resume") from None
    return HttpResponseRedirect(link, headers={"Referrer-Policy": "no-referrer"})


def is_prefetch(request) -> bool:
    """Return True if a browser asks before a click that may never come, or for a preview."""
    purposes = " ".join(request.headers.get(name, "") for name in PREFETCH_HEADERS).lower()
    return any(purpose in purposes for purpose in ("prefetch", "prerender", "preview"))


@require_safe
@login_required
def me(request):
    """Show members their own profile."""
    return render_profile(request, own_profile(request.user))


@require_safe
@login_required
def view_as(request, role):
    """Show members the page that others get at the address of their profile, by the same view."""
    if role not in VIEWERS:
        raise Http404("No such role")
    own = request.user.profile
    theirs = copy(request)
    theirs.user, theirs.viewing_as = VIEWERS[role](), role
    theirs.path = theirs.path_info = own.get_absolute_url()
    try:
        return profile(theirs, own.pk)
    except Http404 as error:
        return page_not_found(theirs, error)


def some_member() -> User:
    """Return a member who is nobody: not stored, without a profile or rights."""
    return User(pk=0)


VIEWERS = {"visitor": AnonymousUser, "member": some_member}


def render_profile(request, profile):
    """Render a profile; for its owner, with the members who opened the resume."""
    context = {"profile": profile, "is_own": profile.user_id == request.user.pk}
    context["seen"] = seen_details(request.user, profile)
    if context["is_own"]:
        context["resume_search"] = state_of(profile)
        context["opened"] = latest_openings(request.user)
    return render(request, "profiles/profile.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit_me(request):
    """Let members change their own profile, and nobody else's."""
    is_sent, own = request.method == "POST", request.user.profile
    if is_sent and request.POST.get("profile", str(own.pk)) != str(own.pk):
        messages.error(request, _("That was the form of another member. Nothing was saved."))
        return redirect("edit-me")
    data, files = (request.POST, request.FILES) if is_sent else (None, None)
    form = ProfileForm(data, files, instance=own, uploader=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("Your profile is saved."))
        for note in form.notes():
            messages.info(request, note)
        return redirect("me")
    response = render(request, "profiles/edit.html", {"form": form})
    return told_to_wait(response) if form.must_wait else response


@require_safe
@login_required
def resume_opened(request):
    """Tell members who opened their resume, and when."""
    opened = opened_by_others(request.user)
    page = NumberedPaginator(opened, DOWNLOADS_PER_PAGE).get_page(request.GET.get("page"))
    page.object_list = with_openers(page.object_list)
    chart = chart_of(openings_by_others(request.user))
    return render(request, "profiles/resume_opened.html", {"page": page, "chart": chart})
