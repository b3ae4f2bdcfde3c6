"""Run collectstatic on a folder, and print how many requests it has made to S3.

The twin runs it with django-storages' own S3ManifestStaticStorage.
"""

import io
import sys

import botocore
import django
from django.conf import settings
from django.core.management import call_command


def main(folder: str) -> None:
    requests = []

    def count(session) -> None:
        session.register("before-send.s3", lambda request, **kwargs: requests.append(request))

    botocore.register_initializer(count)
    settings.STATICFILES_DIRS = [folder]
    if hasattr(settings, "S3"):  # the twin's
        settings.STORAGES["staticfiles"] = {
            "BACKEND": "storages.backends.s3.S3ManifestStaticStorage",
            "OPTIONS": settings.S3 | {"location": "static", "querystring_auth": False},
        }
        settings.STORAGES["staticfiles"]["OPTIONS"].pop("file_overwrite")
    django.setup()
    call_command("collectstatic", interactive=False, stdout=io.StringIO())
    print(len(requests))


if __name__ == "__main__":
    main(sys.argv[1])
