"""Where the site's files are, on disk or on S3, and the links that lead to them."""

import time

import requests
from django.urls import reverse


class Disk:
    """The site on local disk: its links lead back to it."""

    def __init__(self, client, monkeypatch):
        self.client, self.monkeypatch = client, monkeypatch

    def get(self, url):
        response = self.client.get(url)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return response.status_code, response.headers, content

    def move_clock(self, seconds):
        real = time.time
        self.monkeypatch.setattr("time.time", lambda: real() + seconds)

    def bare_address(self, file):
        return f"/media/{file.name}"

    def altered(self, url):
        return url[:-8] + ("A" if url[-8] != "A" else "B") + url[-7:]


class S3:
    """The site on S3: its links lead to the bucket, over HTTP."""

    def __init__(self, server):
        self.server = server

    def get(self, url):
        response = requests.get(url, timeout=5)
        return response.status_code, response.headers, response.content

    def move_clock(self, seconds):
        self.server.advance(seconds)

    def bare_address(self, file):
        return file.storage.url(file.name).partition("?")[0]

    def altered(self, url):
        return url.replace("resumes/", "resumes/x", 1)


def resume_address(profile):
    return reverse("resume", args=[profile.pk])


def link_for(client, member, owner):
    client.force_login(member)
    response = client.get(resume_address(owner.profile))
    assert response.status_code == 302
    return response["Location"]
