from django.conf import settings
from django.http.request import split_domain_port


def site_url(request) -> str:
    """Return the address that links in messages begin with, such as https://portal.example.org.

    It is the address under which the site was asked, which ALLOWED_HOSTS bounds, except for the
    port: a client may name any port, and the link would lead there. Only runserver's stays.
    """
    if settings.SITE_ENVIRONMENT == "development":
        return f"{request.scheme}://{request.get_host()}"
    host, _ = split_domain_port(request.get_host())
    return f"https://{host}"
