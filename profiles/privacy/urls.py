from django.urls import path

from . import views

app_name = "privacy"
urlpatterns = [
    path("", views.data, name="data"),
    path("download/", views.download, name="download"),
    path("leave/", views.start_leaving, name="leave"),
    path("stay/", views.come_back, name="stay"),
]
