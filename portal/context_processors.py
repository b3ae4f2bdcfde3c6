from django.conf import settings


def site(request):
    """Return the environment of the site, which every page of a staging copy shows."""
    return {"site_environment": settings.SITE_ENVIRONMENT}
