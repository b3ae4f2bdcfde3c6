from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from profiles import languages

from . import sent_again, views
from .files import views as files

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),  # first, as machines ask for it all the time
    path("", include("profiles.urls")),
    path("society/", include("profiles.society.urls")),
    path("accounts/", include("portal.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("send-again/", sent_again.send_again, name="send-again"),
    path("readyz", views.readyz, name="readyz"),
    path("favicon.ico", views.favicon, name="favicon"),
]

if not settings.AWS_AVAILABLE:
    # Local twins of what S3 serves.
    urlpatterns += [
        path("media/<path:path>", files.media, name="media"),
        path("protected/<str:token>", files.protected_file, name="protected-file"),
    ]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = languages.not_found
handler429 = views.too_many_requests  # not one of Django's: allauth looks for it here
handler500 = views.server_error
