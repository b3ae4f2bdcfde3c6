"""Run a command as a deployed site would: python -m tests.support.deployed COMMAND ..."""

import os
import sys

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

if __name__ == "__main__":
    os.execvpe(sys.argv[1], sys.argv[1:], os.environ | ENVIRONMENT)
