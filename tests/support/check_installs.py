"""Install both locks from nothing: python -m tests.support.check_installs

It takes the oldest and the newest of the supported Pythons that this machine has, each with the pip
that it brings, and installs into environments that are deleted afterwards. Nothing but the standard
library is imported: this runs before anything is installed.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
# What make builds, and what must run once it is built.
LOCKS = {
    "requirements.txt": ("installed", ["manage.py", "check"]),
    "requirements-dev.txt": ("installed-dev", ["-m", "pytest", "--version"]),
}


def main() -> int:
    found = {}
    for version in SUPPORTED:
        if python := find_python(version):
            found[version] = python
            print(f"Python {version}: {python}, {pip_version(python)}")
        else:
            print(f"Python {version}: skipped, no working one with venv is on PATH or in pyenv")
    if not found:
        print("No supported Python was found, so nothing was tried.")
        return 1

    oldest, newest = min(found), max(found)
    results = [
        installs(lock, found[version], version)
        for version in sorted({oldest, newest})
        for lock in LOCKS
    ]
    return 0 if all(results) else 1


def find_python(version: str) -> str | None:
    """Return a command that really is this Python and can make environments, or None.

    pyenv puts a command on PATH for each version that it has, which refuses where another version
    is chosen, as .python-version does here: each candidate is therefore tried.
    """
    folders = [Path(folder) for folder in os.get_exec_path()]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders += sorted(pyenv.glob(f"{version}.*/bin"), key=release, reverse=True)
    test = f"import sys, venv, ensurepip; assert sys.version.startswith('{version}.')"
    for candidate in (folder / f"python{version}" for folder in folders):
        if os.access(candidate, os.X_OK):
            done = subprocess.run([candidate, "-c", test], cwd=ROOT, capture_output=True)
            if done.returncode == 0:
                return str(candidate)
    return None


def release(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.parent.name)]


def pip_version(python: str) -> str:
    """Return the version of the pip that the environments of this Python begin with."""
    command = [python, "-c", "import ensurepip; print('pip', ensurepip.version())"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def installs(lock: str, python: str, version: str) -> bool:
    """Install a lock as make does and start what it is for; return True if both succeed."""
    target, command = LOCKS[lock]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="portal-install-") as folder:
        venv = Path(folder, "venv")
        make = ["make", "--silent", f"VENV={venv}", f"PYTHON={python}", str(venv / target)]
        environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
        installed = venv / "bin/python"
        for step in (make, [installed, "-m", "pip", "check"], [installed, *command]):
            done = subprocess.run(step, cwd=ROOT, env=environment, capture_output=True, text=True)
            if done.returncode:
                print(f"{lock} with Python {version}: failed\n{done.stdout}{done.stderr}")
                return False
    print(f"{lock} with Python {version}: installed in {time.monotonic() - started:.0f} s")
    return True


if __name__ == "__main__":
    sys.exit(main())
