"""The society, for the templates of all pages."""

from django.utils.functional import SimpleLazyObject

from .current import JUST_SAVED, current


def society(request):
    """Return the society and its name, read only if the page uses them."""
    found = SimpleLazyObject(lambda: current(fresh=JUST_SAVED in request.COOKIES))
    return {"society": found, "site_name": SimpleLazyObject(lambda: found.name)}
