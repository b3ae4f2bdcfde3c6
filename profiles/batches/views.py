"""The staff's page for files by the hundred: chosen, matched, looked at, and then saved."""

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from profiles.models import Profile
from profiles.uploads.forms import BUSY_SECONDS
from profiles.uploads.turns import Busy

from .matching import resolve
from .models import BatchFile, How
from .saving import manageable_by, receive, save_batch

MEMBERS_OFFERED = 3_000  # in the list that completes what is typed; others are typed whole
RETRY_SECONDS = 5


def check_rights(request) -> None:
    """Refuse whoever may not change members."""
    if not request.user.has_perm("profiles.change_user"):
        raise PermissionDenied


@require_safe
def page(request):
    """Show what was chosen within the hour, each with its match; closing the tab loses nothing."""
    check_rights(request)
    return render(request, files_of(request.user))


@require_POST
def send(request):
    """Receive files: one from the script, which is answered with its row, or a few from the form.

    503 asks the script to send the file again in a few seconds.
    """
    check_rights(request)
    files, folder = request.FILES.getlist("files"), request.POST.get("folder", "")
    from_script = "fragment" in request.POST
    for number, file in enumerate(files):
        try:
            received = receive(request.user, file, folder)
        except Busy:
            if from_script:
                return HttpResponse(status=503, headers={"Retry-After": str(RETRY_SECONDS)})
            left = ", ".join(each.name for each in files[number:])
            words = _("The site is busy. Please choose these again: %(files)s.")
            messages.error(request, words % {"files": left})
            return render(request, files_of(request.user), status=503)
    if from_script and files:
        context = {"file": with_candidates([received])[0]}
        return HttpResponse(render_to_string("batches/_file.html", context, request), status=201)
    if not files:
        messages.error(request, _("Please choose files."))
    return redirect("admin:batches")


@require_POST
def save(request):
    """Do what the form asks: take one file away, only look again, or save all that is matched."""
    check_rights(request)
    kept = BatchFile.objects.kept(request.user)
    if forget := request.POST.get("forget", ""):
        chosen = kept.filter(pk=int(forget)) if is_number(forget) else kept.none()
        for each in kept if forget == "all" else chosen:
            each.upload.delete() if each.upload else each.delete()
        return redirect("admin:batches")
    files = [each for each in files_of(request.user) if each.upload]
    for each in files:
        mend(each, request.POST, request.user)
    if "look" in request.POST:
        return redirect("admin:batches")
    ticked = {each.pk for each in files if f"replace-{each.pk}" in request.POST}
    shown = [each for each in files if f"member-{each.pk}" in request.POST]
    saved = save_batch(shown, ticked, request.user)
    if saved.number:
        messages.success(request, _("Saved: %(count)d.") % {"count": saved.number})
    if saved.left:
        words = _("Not saved: %(count)d. Each says why below.")
        messages.warning(request, words % {"count": len(saved.left)})
    if saved.unfinished:
        words = ngettext(
            "%(count)d more is ready. Please save once more.",
            "%(count)d more are ready. Please save once more.",
            saved.unfinished,
        )
        messages.info(request, words % {"count": saved.unfinished})
    if not saved.left:
        return redirect("admin:batches")
    return render(request, files_of(request.user), problems=saved.left, ticked=ticked)


def mend(file: BatchFile, sent, staff) -> None:
    """Match a file as the form has it: as typed, or as chosen among several."""
    typed = sent.get(f"member-{file.pk}")
    if typed is None:
        return
    typed = typed.strip() or sent.get(f"candidate-{file.pk}", "")
    if typed == (label(file.profile) if file.profile else ""):
        return
    found = resolve(typed, manageable_by(staff)) if typed else None
    file.profile = found.profile if found else None
    file.how = found.how if found else How.NOBODY
    file.candidates = [each.pk for each in found.candidates] if found else []
    # Not save(): another tab may have taken the file away.
    BatchFile.objects.filter(pk=file.pk).update(
        profile=file.profile, how=file.how, candidates=file.candidates
    )


def files_of(owner) -> list[BatchFile]:
    kept = BatchFile.objects.kept(owner).select_related("upload", "profile__user")
    kept = kept.defer("upload__text", "profile__bio")
    return with_candidates(list(kept))


def with_candidates(files: list[BatchFile]) -> list[BatchFile]:
    """Add to each file the labels of those among whom to choose, with one query."""
    pks = {pk for each in files for pk in each.candidates}
    found = Profile.objects.select_related("user").in_bulk(pks) if pks else {}
    for each in files:
        each.choices = [label(found[pk]) for pk in each.candidates if pk in found]
        each.label = label(each.profile) if each.profile else ""
    return files


def label(profile: Profile) -> str:
    """A member as the form has it: the address makes it one of several with the same name."""
    return f"{profile.name} <{profile.user.email}>" if profile.name else profile.user.email


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def render(request, files, *, status=200, problems=None, ticked=()) -> TemplateResponse:
    for each in files:
        each.problem = (problems or {}).get(each.pk, "")
        each.is_ticked = each.pk in ticked
    members = manageable_by(request.user).select_related("user").order_by("sort_key")
    names = members.only("name", "user__email")[:MEMBERS_OFFERED]
    context = {
        **admin.site.each_context(request),
        "title": _("Photos and resumes"),
        "files": [each for each in files if each.upload],
        "refused": [each for each in files if not each.upload],
        "most_bytes": max(settings.AVATAR_MAX_BYTES, settings.RESUME_MAX_BYTES),
        "members": [label(each) for each in names],
    }
    response = TemplateResponse(request, "batches/page.html", context, status=status)
    if status == 503:
        response["Retry-After"] = str(BUSY_SECONDS)
    return response
