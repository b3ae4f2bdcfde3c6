"""Run a command as a deployed site would: python -m tests.support.deployed COMMAND ..."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ENVIRONMENT = {
    "SITE_ENVIRONMENT": "production",
    "SECRET_KEY": "x2Vq9-not-a-secret-4fJmB7wKd3RzYtLh8sNc5gPe6uQa1iXo-for-tests",
    "ALLOWED_HOSTS": "portal.example.org",
    "DATABASE_URL": "postgres://portal:password@database.example.org/portal",
    "EMAIL_URL": "smtp+tls://portal:password@mail.example.org:587",
    "DEFAULT_FROM_EMAIL": "portal@example.org",
    "AWS_STORAGE_BUCKET_NAME": "portal-files",
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "an-example-secret",
    "AWS_S3_REGION_NAME": "eu-west-1",
    "STATIC_ROOT": "staticfiles-of-no-build",
}

# What collectstatic leaves on the disk of such a site, and its receipt for the upload.
BUILD = {
    "staticfiles.json": {"version": "1.1", "paths": {"a.css": "a.0123456789ab.css"}, "hash": "1"},
    "uploaded.json": {
        "address": "https://portal-files.s3.eu-west-1.amazonaws.com/assets/",
        "manifest": "1",
    },
}

if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        for name, content in BUILD.items():
            Path(folder, name).write_text(json.dumps(content))
        environment = os.environ | ENVIRONMENT | {"STATIC_ROOT": folder}
        sys.exit(subprocess.run(sys.argv[1:], env=environment, check=False).returncode)
