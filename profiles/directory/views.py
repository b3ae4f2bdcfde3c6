"""The list of members: searched, filtered and sorted."""

from django.http import Http404, JsonResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from profiles.access import is_member
from profiles.cards import PROFILES_PER_PAGE, cards_of, chosen_cards, rows_of
from profiles.models import Profile

from .everybody import Everybody
from .forms import DirectoryForm
from .paging import MAX_COUNTED, LongListPaginator, NumberedPaginator
from .search import MAX_FOUND, Found, search
from .snippets import with_snippets
from .tags import PLACE, SKILL, suggestions

MAX_TYPED = 100  # letters
FIRST_LETTERS = 3  # of a tag that nobody has: others that begin so are shown


@require_safe
def directory(request):
    """List the profiles that this visitor may see, or those of them that a search finds."""
    for_members = is_member(request.user)
    form = DirectoryForm(request.GET, for_members=for_members)
    filters, found = form.filters(), None
    if form.text:
        found = search(request.user, form.text, order=form.order, filters=filters)
        page = page_of(request, found.pks)
        page.object_list = chosen_cards(page.object_list, request.user)
        if for_members and not found.is_near:
            page.object_list = with_snippets(page.object_list, form.text)
    else:
        listed = Everybody(request.user, form.order)
        if filters:
            visible = Profile.objects.visible_to(request.user)
            listed = rows_of(visible.filter(filters).order_by(*form.order))
        asked = request.GET.get("page")
        page = LongListPaginator(listed, PROFILES_PER_PAGE, asked=asked).get_page(asked)
        page.object_list = cards_of(page.object_list, request.user)
    context = {"page": page, "form": form, "q": form.text, "found": found or Found([])}
    limits = {"most": MAX_FOUND, "most_counted": MAX_COUNTED}
    context |= {name: number_format(most, force_grouping=True) for name, most in limits.items()}
    if not page.object_list:
        context["alike"] = alike(Profile.objects.visible_to(request.user), form)
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
