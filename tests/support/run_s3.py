"""Serve the site with its files on an S3 server on this machine: make run-s3.

The server checks signatures, expiry and policies as AWS does, so that one can see links expire. It
keeps everything in memory, so that each run starts with a new database, too.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.settings import without_site_variables
from tests.support.strict_s3 import StrictS3

ROOT = Path(__file__).parents[2]
KEY, SECRET = "AKIALOCAL", "a-secret-for-this-machine-alone"

SHOW = """
from profiles.models import Profile
avatar = Profile.objects.filter(visibility="public").exclude(avatar="").first().avatar.url
stored = Profile.objects.exclude(resume="").first().resume
resume = stored.storage.url(stored.name).partition("?")[0]
print(f"\\nTry in a private window:\\n  an avatar, open to everyone  {avatar}")
print(f"  a resume, refused unsigned   {resume}")
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--port", type=int, default=8000, help="where the site is served")
    parser.add_argument("--s3-port", type=int, default=9000, help="where the S3 server is")
    options = parser.parse_args()
    # A terminal sends Ctrl-C to gunicorn as well: it is stopping, and this waits for it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        tempfile.TemporaryDirectory(prefix="portal-s3-") as folder,
        StrictS3({KEY: SECRET}, port=options.s3_port) as server,
    ):
        others = without_site_variables()
        environment = others | {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DEBUG": "off",  # as deployed: assets come from the bucket under their hashed names
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "STATIC_ROOT": f"{folder}/staticfiles",
            "PORT": str(options.port),
            "AWS_STORAGE_BUCKET_NAME": "portal-files",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_S3_REGION_NAME": "eu-west-1",
            "AWS_S3_ENDPOINT_URL": server.endpoint_url,
        }

        def manage(*arguments):
            command = [sys.executable, "manage.py", *arguments]
            subprocess.run(command, cwd=ROOT, env=environment, check=True)

        print(f"S3 is at {server.endpoint_url}, in memory. Setting up:", flush=True)
        manage("setup_bucket")
        manage("collectstatic", "--no-input")
        manage("migrate", "--no-input", "--verbosity", "0")
        manage("seed_demo")
        manage("shell", "--verbosity", "0", "--command", SHOW)
        print(f"\nThe site is at http://127.0.0.1:{options.port}/ (Ctrl-C stops both).", flush=True)
        return serve(environment)


def serve(environment) -> int:
    """Run gunicorn until somebody stops it; leave nothing running behind."""
    address = f"127.0.0.1:{environment['PORT']}"
    site = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", address, "portal.wsgi"],
        cwd=ROOT,
        env=environment,
    )
    try:
        return site.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        if site.poll() is None:
            site.send_signal(signal.SIGTERM)
            site.wait(30)


if __name__ == "__main__":
    sys.exit(main())
