"""Receives a chosen file before its form is saved, and shows its owner what it became."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from profiles.models import Profile

from .crop import Crop
from .forms import BUSY, BUSY_SECONDS
from .stored import StoredUpload
from .turns import Busy

NO_REFERRER = {"Referrer-Policy": "no-referrer"}


@require_POST
@login_required
def receive(request, purpose):
    """Store one file for the form that is being filled in; answers in JSON, for uploads.js.

    201 with the upload's number, sentences about it and the address of its picture; 200 with the
    sentence that says why the file is refused (with a 4xx, browsers would log an error of the
    page); 503 where too many files are waiting. An earlier upload that it `replaces` is deleted.
    """
    if purpose not in StoredUpload.Purpose:
        raise Http404("No such purpose")
    file = request.FILES.get("file")
    if file is None:
        return JsonResponse({"error": _("Please choose a file.")})
    try:
        is_photo = purpose == StoredUpload.Purpose.AVATAR
        choices = {"crop": Crop.of(request.POST, "photo")} if is_photo else {}
        upload = StoredUpload.receive(request.user, purpose, file, **choices)
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)})
    except Busy:
        return JsonResponse({"error": BUSY}, status=503, headers={"Retry-After": BUSY_SECONDS})
    discard(request.user, purpose, request.POST.get("replaces", ""))
    return JsonResponse(
        {
            "pk": upload.pk,
            "note": upload.shown_note,
            "ready": ready(upload),
            "picture": reverse("upload-picture", args=[upload.pk]) if upload.picture else "",
        },
        status=201,
    )


def ready(upload) -> str:
    """Return the sentence that tells that a file has arrived."""
    if not upload.pages:
        text = _("%(name)s is ready. It takes effect when you save.")
    else:
        text = ngettext(
            "%(name)s (%(pages)d page) is ready. It takes effect when you save.",
            "%(name)s (%(pages)d pages) is ready. It takes effect when you save.",
            upload.pages,
        )
    return text % {"name": upload.filename or _("Your file"), "pages": upload.pages}


def discard(owner, purpose: str, pk: str) -> None:
    """Delete an upload of this owner's in whose place another has come."""
    mine = StoredUpload.objects.filter(owner=owner, purpose=purpose)
    named = [each for each in mine.values_list("pk", flat=True) if str(each) == pk]
    mine.filter(pk__in=named).delete()


@require_safe
@login_required
@never_cache
def picture(request, pk):
    """Send the owner of a stored upload to a temporary link to its picture."""
    upload = get_object_or_404(StoredUpload.objects.usable(), owner=request.user, pk=pk)
    stored = upload.file if upload.purpose == StoredUpload.Purpose.AVATAR else upload.picture
    return temporary_link(stored)


@require_safe
@login_required
@never_cache
def resume_picture(request, pk):
    """Send a resume's owner, or the staff, to the picture of its first page."""
    profile = get_object_or_404(Profile.objects.visible_to(request.user), pk=pk)
    if not (request.user.is_staff or profile.user_id == request.user.pk):
        raise Http404("No picture")
    return temporary_link(profile.resume_picture)


def temporary_link(stored):
    if not stored:
        raise Http404("No picture")
    return HttpResponseRedirect(stored.storage.url(stored.name), headers=NO_REFERRER)
