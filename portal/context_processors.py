from django.conf import settings


def site(request):
    """What every page shows of the deployment it is on."""
    return {"site_name": settings.SITE_NAME, "site_environment": settings.SITE_ENVIRONMENT}
