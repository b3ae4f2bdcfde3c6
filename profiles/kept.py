"""Parts of pages that are rendered once for the same values, and kept.

No decision is kept, and nobody is shown by it: each page reads its rows and asks who may see them.
The key has all that the template is given, so a change of a row makes another part of it.
"""

from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.translation import get_language

KEPT = 4_000  # parts in each process, of about half a kilobyte


def part(template: str, *, is_kept: bool = True, **values) -> str:
    """Render a template with these values, which are hashable, or return what was rendered before.

    The template must use nothing else: no request, no user, and no time. Where anybody may make
    the values as long as they like, `is_kept` has to be False for long ones: thousands of them
    would fill the memory.
    """
    render = _rendered if is_kept else _rendered.__wrapped__
    return render(template, get_language(), **values)


@lru_cache(KEPT)
def _rendered(template: str, language: str, /, **values) -> str:
    return render_to_string(template, values)
