from django.urls import include, path

from . import views
from .directory.views import directory, suggest
from .languages import choose_language
from .uploads import views as uploads

urlpatterns = [
    path("", views.home, name="home"),
    path("language/<str:code>/", choose_language, name="choose-language"),
    path("members/", directory, name="directory"),
    path("members/suggestions/<str:kind>/", suggest, name="suggestions"),
    path("members/<int:pk>/", views.profile, name="profile"),
    path("members/<int:pk>/resume/", views.resume, name="resume"),
    path("members/<int:pk>/resume/first-page/", uploads.resume_picture, name="resume-picture"),
    path("me/", views.me, name="me"),
    path("me/as/<str:role>/", views.view_as, name="view-as"),
    path("me/data/", include("profiles.privacy.urls")),
    path("me/edit/", views.edit_me, name="edit-me"),
    path("me/not-now/<str:name>/", views.not_now, name="not-now"),
    path("me/uploads/<str:purpose>/", uploads.receive, name="upload"),
    path("me/uploads/<int:pk>/picture/", uploads.picture, name="upload-picture"),
    path("me/resume/opened/", views.resume_opened, name="resume-opened"),
]
