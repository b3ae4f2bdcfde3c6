"""The list of members: searched, filtered and sorted."""

from django.http import Http404, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from profiles.access import is_member
from profiles.cards import cards_of, rows_of
from profiles.models import Profile

from .everybody import Everybody
from .forms import DirectoryForm
from .paging import MAX_COUNTED, LongListPaginator, NumberedPaginator
from .search import MAX_FOUND, Found, search
from .snippets import with_snippets
from .tags import PLACE, SKILL, suggestions

PROFILES_PER_PAGE = 24
MAX_TYPED = 100  # letters
FIRST_LETTERS = 3  # of a tag that nobody has: others that begin so are shown


@require_safe
def directory(request):
    """List the profiles that this visitor may see, or those of them that a search finds."""
    for_members = is_member(request.user)
    form = DirectoryForm(request.GET, for_members=for_members)
    visible, found = Profile.objects.visible_to(request.user), None
    if form.text:
        found = search(
            visible.filter(form.filters()),
            form.text,
            for_members=for_members,
            order=form.order,
            unfiltered=visible if form.is_filtered else None,
        )
        page = page_of(request, found.pks)
        rows = rows_of(visible.filter(pk__in=page.object_list))
        by_pk = {card.pk: card for card in cards_of(rows, request.user)}
        page.object_list = [by_pk[pk] for pk in page.object_list if pk in by_pk]
        if for_members and not found.is_near:
            page.object_list = with_snippets(page.object_list, form.text)
    else:
        if form.is_filtered:
            listed = rows_of(visible.filter(form.filters()).order_by(*form.order))
        else:
            listed = Everybody(request.user, form.order)
        asked = request.GET.get("page")
        page = LongListPaginator(listed, PROFILES_PER_PAGE, asked=asked).get_page(asked)
        page.object_list = cards_of(page.object_list, request.user)
    context = {"page": page, "form": form, "q": form.text, "found": found or Found([])}
    context |= {"most": f"{MAX_FOUND:,}", "most_counted": f"{MAX_COUNTED:,}"}
    if not page.object_list:
        context["alike"] = alike(visible, form)
    return render(request, "profiles/directory.html", context)


def alike(visible, form) -> list[tuple[str, str]]:
    """Return tags that begin as those that nobody has: the kind and the label of each."""
    asked = [(PLACE, form.place_asked)] * bool(form.place_asked)
    asked += [(SKILL, skill) for skill in form.skills_asked]
    return [
        (kind, label)
        for kind, text in asked
        for label in suggestions(visible, kind, text[:FIRST_LETTERS], for_members=form.for_members)
    ]


@require_safe
@never_cache
def suggest(request, kind):
    """Suggest places or skills that begin with what was typed, of those that this visitor sees."""
    if kind not in (PLACE, SKILL):
        raise Http404("No such kind")
    found = suggestions(
        Profile.objects.visible_to(request.user),
        kind,
        request.GET.get("q", "")[:MAX_TYPED],
        for_members=is_member(request.user),
    )
    return JsonResponse({"suggestions": found})


def page_of(request, listed):
    return NumberedPaginator(listed, PROFILES_PER_PAGE).get_page(request.GET.get("page"))
