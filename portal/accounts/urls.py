from django.urls import path, re_path

from . import invitations, views

# The first two take the place of allauth's pages of the same names and addresses.
urlpatterns = [
    path("email/", views.change_address, name="account_email"),
    re_path(
        r"^confirm-email/(?P<key>[-:\w]+)/$", views.confirm_address, name="account_confirm_email"
    ),
    path("invitation/<str:uid>/", invitations.accept_invitation, name="accept-invitation"),
    path("invitation/<str:uid>/<str:key>/", invitations.open_invitation, name="open-invitation"),
]
