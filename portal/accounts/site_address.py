from django.conf import settings
from django.http.request import split_domain_port


def site_url(request) -> str:
    """Return the address that links in messages begin with, such as https://portal.example.org.

    It has the host of the request, which ALLOWED_HOSTS limits. It has no port, except in
    development: a client may send any port, and the link would lead there.
    """
    if settings.SITE_ENVIRONMENT == "development":
        return f"{request.scheme}://{request.get_host()}"
    host, _ = split_domain_port(request.get_host())
    return f"https://{host}"
