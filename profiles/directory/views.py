"""The list of members: searched, filtered and sorted."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from profiles.access import sees_all_fields
from profiles.models import Profile

from .forms import DirectoryForm
from .paging import MAX_COUNTED, LongListPaginator, NumberedPaginator
from .search import MAX_FOUND, Found, search
from .snippets import add_snippets

PROFILES_PER_PAGE = 24
SHOWN = ("name", "headline", "avatar", "avatar_small")


@require_safe
def directory(request):
    """List the profiles that this visitor may see, or those of them that a search finds."""
    for_members = sees_all_fields(request.user)
    form = DirectoryForm(request.GET, for_members=for_members)
    visible = Profile.objects.visible_to(request.user)
    profiles = visible.filter(form.filters())
    found = None
    if form.text:
        found = search(
            profiles,
            form.text,
            for_members=for_members,
            order=form.order,
            unfiltered=visible if form.is_filtered else None,
        )
        page = page_of(request, found.pks)
        by_pk = visible.only(*SHOWN).in_bulk(page.object_list)
        page.object_list = [by_pk[pk] for pk in page.object_list if pk in by_pk]
        if for_members and not found.is_near:
            add_snippets(page.object_list, form.text)
    else:
        listed, asked = profiles.only(*SHOWN).order_by(*form.order), request.GET.get("page")
        page = LongListPaginator(listed, PROFILES_PER_PAGE, asked=asked).get_page(asked)
    context = {"page": page, "form": form, "q": form.text, "found": found or Found([])}
    context |= {"most": f"{MAX_FOUND:,}", "most_counted": f"{MAX_COUNTED:,}"}
    return render(request, "profiles/directory.html", context)


def page_of(request, listed):
    return NumberedPaginator(listed, PROFILES_PER_PAGE).get_page(request.GET.get("page"))
