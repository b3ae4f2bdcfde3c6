from django.urls import path

from . import views
from .directory.views import directory

urlpatterns = [
    path("", views.home, name="home"),
    path("members/", directory, name="directory"),
    path("members/<int:pk>/", views.profile, name="profile"),
    path("members/<int:pk>/resume/", views.resume, name="resume"),
    path("me/", views.me, name="me"),
    path("me/edit/", views.edit_me, name="edit-me"),
    path("me/resume/opened/", views.resume_opened, name="resume-opened"),
]
