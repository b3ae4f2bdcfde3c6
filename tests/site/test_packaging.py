"""The image, the server's files and the workflows agree with what they are made from."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BUCKET
from tests.settings import SITE_VARIABLES
from tests.support.deployed import ENVIRONMENT
from tests.support.dyno import Visitor, Web, procfile, run

ROOT = Path(__file__).parents[2]
DEPLOY, DOCS = ROOT / "deploy", (ROOT / "docs/deploying.md").read_text()
PYTHON = (ROOT / ".python-version").read_text().strip()
WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text()
SECRET = "/run/secrets/assets"
HOST = ENVIRONMENT["ALLOWED_HOSTS"]


def instructions(name: str) -> list[str]:
    """The arguments of a Dockerfile's instructions of that name, in its order."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    return re.findall(rf"^{name} +(.+)$", text.replace("\\\n", ""), re.MULTILINE)


def command(name: str) -> str:
    """Return the command of CMD or HEALTHCHECK, as for a shell."""
    return shlex.join(json.loads(re.search(r"\[.+", instructions(name)[-1])[0]))


def unit(key: str, name: str = "portal.service") -> str:
    return re.search(rf"^{key}=(.+)$", (DEPLOY / name).read_text(), re.MULTILINE)[1]


def nginx(key: str) -> str:
    return re.search(rf"^\s*{key} +([^;]+);", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)[1]


def test_the_image_has_the_python_that_python_version_names():
    images = [image for image in instructions("FROM") if ":" in image]

    assert {image.split()[0] for image in images} == {f"python:{PYTHON}-slim"}


def test_the_web_line_is_the_procfiles_everywhere():
    line = procfile(ROOT)["web"]

    assert command("CMD") == line
    assert unit("ExecStart") == f"/srv/portal/current/.venv/bin/{line}"


@pytest.mark.parametrize("page", [DOCS, (DEPLOY / "portal").read_text()], ids=["docs", "script"])
def test_the_release_line_is_read_from_the_procfile(page):
    reader = re.search(r"sed -n '[^']+'", page)[0]

    done = subprocess.run(f"{reader} Procfile", shell=True, cwd=ROOT, capture_output=True)

    assert done.stdout.decode().strip() == procfile(ROOT)["release"]


@pytest.fixture
def image(tmp_path):
    """The tree that the Dockerfile copies, from a checkout that is its owner's alone to read."""
    tree = tmp_path / "app"
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert rules.index("*") < min(number for number, rule in enumerate(rules) if rule[:1] == "!")
    for name in [rule[1:] for rule in rules if rule.startswith("!")]:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, tree / name)
    (tree / "manage.py").chmod(0o600)
    return tree


def build(tree: Path, secret: str = "") -> subprocess.CompletedProcess:
    """Run the Dockerfile's last RUN line as the image's build does, without Docker's mounts."""
    line = re.sub(r"--mount=\S+ +", "", instructions("RUN")[-1]).replace(SECRET, secret or SECRET)
    return subprocess.run(
        ["sh", "-c", line],
        cwd=tree,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def in_the_image(**variables) -> dict:
    """Return the site's environment in the container: the image's variables, then docker run's."""
    own = dict(re.findall(r"(\w+)=(\S+)", " ".join(instructions("ENV"))))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return own | {"PATH": path, "HOME": "/"} | variables


@pytest.mark.whole
def test_without_variables_the_image_refuses_to_be_a_site_for_a_laptop(image):
    done = run(command("CMD"), image, in_the_image())

    assert done.returncode != 0
    for name in ("SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS"):
        assert name in done.stdout


@pytest.mark.whole
def test_the_image_serves_itself_and_its_assets_from_a_tree_that_nobody_can_write_to(
    image, tmp_path
):
    """R3, as far as the image goes: /tmp and /dev/shm are all that it needs."""
    done = build(image)
    assert done.returncode == 0, done.stderr
    assert (image / "manage.py").stat().st_mode & 0o044  # whoever the site runs as
    manifest = json.loads((image / "staticfiles/staticfiles.json").read_text())
    for path in [image, *image.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    variables = {
        name: value
        for name, value in ENVIRONMENT.items()
        if name not in {"STATIC_ROOT", "SITE_ENVIRONMENT"}
    }

    with Web(command("CMD"), image, in_the_image(**variables), tmp_path / "log") as web:
        assert web.serves(), web.said()
        visitor = Visitor(web.port, HOST)
        css = visitor.get(f"/static/{manifest['paths']['portal.css']}")
        visitor.connection.close()
        port = str(web.port)
        healthy, of_another_host = (
            run(command("HEALTHCHECK"), image, in_the_image(PORT=port, ALLOWED_HOSTS=hosts))
            for hosts in (f".{HOST}, other.example", "other.example")
        )

    assert css.status == 200
    assert "immutable" in css.headers["Cache-Control"]
    assert (healthy.returncode, of_another_host.returncode) == (0, 1)


@pytest.mark.whole
def test_an_image_that_is_built_with_the_buckets_variables_has_its_assets_there(
    image, tmp_path, on_s3, s3_environment
):
    secret = tmp_path / "assets.env"
    secret.write_text("".join(f"{name}={value}\n" for name, value in s3_environment.items()))

    done = build(image, str(secret))

    assert done.returncode == 0, done.stderr
    receipt = json.loads((image / "staticfiles/uploaded.json").read_text())
    assert receipt["address"] == f"{on_s3.endpoint_url}/{BUCKET}/assets/"
    assert any(request.method == "PUT" for request in on_s3.requests)
    for path in filter(Path.is_file, image.rglob("*")):
        assert s3_environment["AWS_SECRET_ACCESS_KEY"].encode() not in path.read_bytes(), path


def test_the_image_holds_what_the_site_is_made_of_and_nothing_else(image):
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    tracked = set(listing.stdout.split())
    held = {str(path.relative_to(image)) for path in image.rglob("*") if path.is_file()}
    parts = ("portal/*", "profiles/*", "templates/*", "static/*", "manage.py", "gunicorn.conf.py")

    site = {name for name in tracked for part in parts if fnmatch.fnmatch(name, part)}

    assert {name for name in site if (ROOT / name).exists()} <= held
    assert not [name for name in held if re.match(r"(tests|docs|\.)", name)]


def test_the_port_is_gunicorns_own_and_the_proxies(settings):
    [port] = re.findall(r"number\('PORT', (\d+)", (ROOT / "gunicorn.conf.py").read_text())

    assert instructions("EXPOSE") == [port]
    assert unit("ListenStream", "portal.socket") == f"127.0.0.1:{port}"
    assert nginx("server") == f"127.0.0.1:{port}"
    assert f"reverse_proxy 127.0.0.1:{port} " in (DEPLOY / "Caddyfile").read_text()


def test_a_request_has_the_time_to_finish_that_gunicorn_grants_it():
    [grace] = re.findall(
        r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.M
    )

    assert int(unit("TimeoutStopSec")) > int(grace)
    assert {int(seconds) for seconds in re.findall(r"--stop-timeout (\d+)", DOCS)} == {30}
    assert int(grace) < 30


def test_nginx_lets_everything_through_that_the_site_may_take(settings):
    """The site itself refuses a body that is too large, in its own words."""
    megabytes = int(nginx("client_max_body_size").removesuffix("m"))

    assert megabytes * 1024 * 1024 > settings.UPLOAD_MAX_BODY_BYTES


def test_no_proxy_passes_on_what_a_client_says_of_itself():
    """A8: an added header would let a client choose the address that is throttled."""
    said = dict(
        re.findall(r"proxy_set_header ([\w-]+) ([^;]+);", (DEPLOY / "nginx.conf").read_text())
    )

    assert said["X-Forwarded-For"] == "$remote_addr"
    assert said["X-Forwarded-Proto"] == "$scheme"
    assert said["Host"] == "$host"


def test_the_servers_script_is_a_script():
    assert subprocess.run(["sh", "-n", DEPLOY / "portal"]).returncode == 0


def test_a_second_release_beside_one_that_is_running_is_refused(tmp_path):
    """Both would build in one folder, and the second began by deleting it."""
    script, git = tmp_path / "portal", tmp_path / "runuser"
    script.write_text((DEPLOY / "portal").read_text().replace("/srv/portal", str(tmp_path)))
    git.write_text("#!/bin/sh\necho fetching >&2\nread line\nexit 7\n")
    git.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    release = {"args": ["sh", script, "release"], "env": environment, "text": True}

    first = subprocess.Popen(**release, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert first.stderr.readline() == "fetching\n"
    second = subprocess.run(**release, input="", capture_output=True)
    first.communicate("go on\n")

    assert (second.returncode, second.stderr) == (1, "Another release is running.\n")
    assert first.returncode == 7
    assert subprocess.run(**release, input="\n", capture_output=True).returncode == 7


def test_variables_in_the_deploying_page_exist():
    """A line NAME=value, and `NAME`, are variables of the site, or of gunicorn."""
    named = set(re.findall(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?==|`| )", DOCS))

    assert named - {"GUNICORN_CMD_ARGS"} <= set(SITE_VARIABLES)
    assert {"SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "TRUSTED_PROXY_COUNT"} <= named


def test_actions_are_pinned_to_commits():
    used = re.findall(r"uses: (.+)", WORKFLOW)

    assert used
    assert [action for action in used if not re.search(r"@[0-9a-f]{40} # v\d", action)] == []


def test_the_workflow_tests_the_oldest_python_and_the_one_that_is_deployed():
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())[1]

    assert re.search(r"python: \[(.+)\]", WORKFLOW)[1] == f'"{oldest}", "{PYTHON}"'


def test_the_vendored_files_are_of_the_version_that_package_json_names():
    """Dependabot changes package.json alone; `make vendor` brings the files."""
    vendor = ROOT / "static/vendor"
    version = json.loads((vendor / "package.json").read_text())["dependencies"]["@picocss/pico"]

    assert f"v{version} " in (vendor / "pico/pico.min.css").read_text()[:200]
    assert f"| {version} |" in (vendor / "README.md").read_text()


def test_hooks_before_a_commit_use_the_tools_of_the_lock():
    tools = re.findall(r"\.venv/bin/([\w-]+)", (ROOT / ".pre-commit-config.yaml").read_text())
    locked = (ROOT / "requirements-dev.txt").read_text()

    assert tools
    assert [tool for tool in tools if not re.search(rf"^{tool}==", locked, re.MULTILINE)] == []
