from urllib.parse import urlencode

from django import template
from django.urls import reverse

register = template.Library()

# From other pages one goes home. "view-as" is a profile as its owner has others see it.
COMES_BACK = ("directory", "profile", "resume", "view-as")


@register.simple_tag(takes_context=True)
def log_in_address(context):
    """Return the address of the log-in, which leads back to a profile or the list of members."""
    address, request = reverse("account_login"), context.get("request")
    if request is None or request.resolver_match is None:
        return address
    if request.resolver_match.view_name not in COMES_BACK:
        return address
    return f"{address}?{urlencode({'next': request.get_full_path()})}"
