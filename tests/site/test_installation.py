"""Installation does not depend on the machine: a pinned pip installs pinned packages, by hash."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
INSTALLER = "requirements-installer.txt"


def commands_of_make(*arguments: str) -> list[str]:
    """Return what make would run, one command a line, without running it."""
    done = subprocess.run(
        ["make", "--dry-run", f"PYTHON={sys.executable}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.replace("\\\n", "").splitlines()


def installs(lines: list[str]) -> list[str]:
    return [line for line in lines if re.search(r"\bpip install\b", line)]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_one_version_and_a_hash(lock):
    entries = re.findall(r"^\S.*(?:\n +.*)*", (ROOT / lock).read_text(), re.MULTILINE)
    packages = [entry for entry in entries if not entry.startswith("#")]

    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", package), package
        assert "--hash=sha256:" in package


def test_the_installer_is_pip_and_nothing_else():
    packages = re.findall(r"^(\S+)==", (ROOT / INSTALLER).read_text(), re.MULTILINE)

    assert packages == ["pip"]


@pytest.mark.parametrize(
    ("target", "lock"),
    [
        ("installed", "requirements.txt"),
        ("installed-dev", "requirements-dev.txt"),
        ("bench/installed", "requirements-bench.txt"),
    ],
)
def test_make_installs_the_pinned_pip_before_it_installs_a_lock(tmp_path, target, lock):
    """The pip that a Python brings installs nothing but its successor."""
    lines = installs(commands_of_make(f"VENV={tmp_path}", f"{tmp_path}/{target}"))

    first, second = lines[-2:]
    assert first.endswith(f"--require-hashes --no-deps -r {INSTALLER}")
    assert second.endswith(f"--require-hashes -r {lock}")
    assert first.split()[0] == second.split()[0]
    assert all("--require-hashes" in line for line in lines)


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/portal"])
def test_an_image_and_a_server_install_as_make_does(name):
    first, second = installs((ROOT / name).read_text().splitlines())

    assert f"--require-hashes --no-deps -r {INSTALLER}" in first
    assert "--require-hashes -r requirements.txt" in second


def test_make_lock_renews_every_lock():
    lines = commands_of_make("lock")

    for lock in LOCKS:
        source = Path(lock).with_suffix(".in").name
        assert any(f"--upgrade {source} --output-file {lock}" in line for line in lines)


def test_continuous_integration_installs_from_nothing():
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()

    assert "\nmake check-installs\n" in (ROOT / ".ci/run").read_text()
    assert "- run: make check-installs\n" in workflow


def test_make_help_lists_every_target():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()

    assert re.findall(r"^make (\S+) +\S.+$", listed, re.MULTILINE) == targets
