from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from . import invitations, views

urlpatterns = [
    path("", include("profiles.urls")),
    path("accounts/", include("allauth.urls")),
    path("accounts/invitation/<str:uid>/", invitations.accept_invitation, name="accept-invitation"),
    path(
        "accounts/invitation/<str:uid>/<str:key>/",
        invitations.open_invitation,
        name="open-invitation",
    ),
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]

if not settings.AWS_AVAILABLE:
    # Local twins of what S3 serves.
    urlpatterns += [
        path("media/<path:path>", views.media, name="media"),
        path("protected/<str:token>", views.protected_file, name="protected-file"),
    ]

handler403 = views.forbidden
handler500 = views.server_error
