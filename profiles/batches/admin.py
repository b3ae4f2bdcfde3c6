"""The addresses of the page for files by the hundred, below those of the members."""

from django.urls import path

from . import views


class FilesByTheHundred:
    """Mixin for the members' admin."""

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("files/", wrap(views.page), name="batches"),
            path("files/send/", wrap(views.send), name="batches_send"),
            path("files/save/", wrap(views.save), name="batches_save"),
            *super().get_urls(),
        ]
