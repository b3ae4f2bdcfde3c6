from django.urls import path, re_path

from . import views

# The names and addresses of the allauth pages that these take the place of.
urlpatterns = [
    path("email/", views.change_address, name="account_email"),
    re_path(
        r"^confirm-email/(?P<key>[-:\w]+)/$", views.confirm_address, name="account_confirm_email"
    ),
]
