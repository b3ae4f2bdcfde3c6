from django.contrib import admin
from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("members/", views.DirectoryView.as_view(), name="directory"),
    path("members/<int:pk>/", views.ProfileView.as_view(), name="profile"),
    path("members/<int:pk>/resume/", views.ResumeView.as_view(), name="resume"),
    path("me/", views.MeView.as_view(), name="me"),
    path("me/edit/", views.EditView.as_view(), name="edit-me"),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", views.healthz),
]
