from django.urls import path

from . import views

app_name = "society"
urlpatterns = [
    path("privacy/", views.privacy_notice, name="privacy"),
    path("imprint/", views.imprint, name="imprint"),
    path("look/<slug:look>.css", views.style, name="style"),
]
