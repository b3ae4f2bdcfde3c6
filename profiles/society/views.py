"""The society's pages, and the style sheet with its colour."""

import re

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import colours
from .current import JUST_SAVED, current

LOOK = re.compile(r"([0-9a-f]{6})-[0-9a-f]{12}")
A_YEAR = 31_536_000  # seconds


@require_safe
def privacy_notice(request):
    """Show how the society keeps what it knows about people."""
    return page(request, _("Privacy"), "privacy_notice")


@require_safe
def imprint(request):
    """Show who is responsible for the site."""
    return page(request, _("Imprint"), "imprint")


def page(request, title: str, field: str):
    """Render one of the society's texts; 404 if the staff have not written it."""
    text = getattr(current(fresh=JUST_SAVED in request.COOKIES), field)
    if not text:
        raise Http404(f"No {field}")
    return render(request, "society/page.html", {"title": title, "text": text})


@require_safe
def style(request, look):
    """Return the style sheet of a colour. Its address changes with its text."""
    named = LOOK.fullmatch(look)
    if not named:
        raise Http404("No colour")
    is_current = colours.look(named[1]) == look  # else of another release, during a deploy
    max_age = A_YEAR if is_current else 60
    response = HttpResponse(colours.style(named[1]), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={max_age}" + (", immutable" if is_current else "")
    return response
