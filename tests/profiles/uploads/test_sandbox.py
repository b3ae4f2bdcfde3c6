"""The child that parses an upload, by programs that behave as a parser under attack may."""

import subprocess

import pytest
from django.core.files.base import ContentFile

from profiles.uploads import sandbox
from profiles.uploads.sandbox import parse  # the real one: conftest.py remembers its results
from profiles.uploads.turns import Busy, turn

SAYS_GOOD = 'print(\'{"verdict": "good"}\', flush=True)\n'
NEVER_ENDS = "import time; time.sleep(1); open('late', 'w').close()\n"


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Run a program in place of a parser."""
    monkeypatch.setattr(sandbox, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(program: str) -> sandbox.Parsed:
        (tmp_path / "child.py").write_text(program)
        return parse("child", ContentFile(b"upload"))

    return run


def test_it_reads_the_upload_from_its_beginning(child):
    found = child("import json, sys; print(json.dumps({'verdict': sys.stdin.read()}))")

    assert found.report == {"verdict": "upload"}


def test_it_is_isolated_and_imports_no_packages_unasked(child):
    flags = "[sys.flags.isolated, sys.flags.no_site]"
    found = child(f"import json, sys; print(json.dumps({{'verdict': {flags}}}))")

    assert found.report == {"verdict": [1, 1]}


def test_it_has_no_keys_in_its_memory(child, monkeypatch):
    """A parser that an upload has taken over could write them into the picture that it makes."""
    monkeypatch.setenv("SECRET_KEY", "a key")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")  # the control: Python may be found by it

    found = child("import json, os; print(json.dumps({'verdict': dict(os.environ)}))")

    assert "SECRET_KEY" not in found.report["verdict"]
    assert found.report["verdict"]["LD_LIBRARY_PATH"] == "/nowhere"


def test_a_part_belongs_to_the_line_before_it(child):
    found = child(f'{SAYS_GOOD}print(\'{{"parts": {{"a": 3, "b": 2}}}}\\nxyzzy\', end=\'\')')

    assert found.report == {"verdict": "good"}
    assert {name: part.read() for name, part in found.parts.items()} == {"a": b"xyz", "b": b"zy"}


@pytest.mark.parametrize("end", ['{"parts": {"a": 9}}\\nabc', '{"verdict": "bad"}'])
def test_what_is_unfinished_is_ignored(child, end):
    found = child(f"{SAYS_GOOD}print('{end}', end='')")

    assert (found.report, found.parts) == ({"verdict": "good"}, {})


def test_one_that_is_stopped_without_a_verdict_was_too_complex(child):
    found = child("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    assert found.report == sandbox.TOO_COMPLEX


def test_a_mistake_of_its_own_is_no_verdict(child):
    with pytest.raises(subprocess.CalledProcessError):
        child("raise SystemExit(1)")

    assert child(f"{SAYS_GOOD}raise SystemExit(1)").report == {"verdict": "good"}


def test_one_that_does_not_end_is_ended(child, monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "WORK_SECONDS", 0.3)

    with pytest.raises(Busy):
        child(NEVER_ENDS)
    assert child(SAYS_GOOD + NEVER_ENDS).report == {"verdict": "good"}
    assert not (tmp_path / "late").exists()


def test_it_waits_for_its_turn(child, monkeypatch):
    monkeypatch.setattr(sandbox, "WAIT_SECONDS", 0.1)

    with turn(sandbox.QUEUE, 1), pytest.raises(Busy):
        child(SAYS_GOOD)
    assert child(SAYS_GOOD).report == {"verdict": "good"}
