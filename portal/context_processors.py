from django.conf import settings


def site(request):
    """Return the name and the environment of the site, which every page shows."""
    return {"site_name": settings.SITE_NAME, "site_environment": settings.SITE_ENVIRONMENT}
