"""The architecture: which room may use which, and that no module grows too long to be read.

docs/architecture.md draws it. What is read, and what counts as an arrow: tests/support/rooms.py.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.rooms import SHELL, Problem, Rules, problems

ROOT = Path(__file__).parents[2]

ROOMS = {
    "s3": set(),
    "copying": {"s3"},
    "files": {"s3"},
    "buckets": {"files", "s3"},
    "exposure": {"files", "s3"},
    "staging": {"exposure", "copying", "files", "s3"},
    # Beside the others: the shell and what stands above the house use them.
    "accounts": {"outbox"},
    "outbox": {"observability", "postgresql", "sentences"},  # what is redacted, and waits that end
    "observability": set(),
    "postgresql": set(),
    "formats": set(),
    "sentences": set(),
}
# Rooms of profiles/ that are apps of their own: each uses what members are, and no other feature.
FEATURES = {
    "profiles.society": {"profiles", "files"},
    "profiles.privacy": {"profiles", "accounts", "files", "outbox", "postgresql", "s3"},
    "profiles.desk": {"profiles", "accounts", "outbox", "sentences"},
}
RULES = Rules(
    house="portal",
    rooms=ROOMS | {SHELL: set(ROOMS)},
    above={"profiles": {*ROOMS, SHELL, *FEATURES}, **FEATURES},
    roots=frozenset({"portal.settings", "portal.urls"}),
    features={
        "profiles.invitations": {
            "profiles.admin",
            "profiles.staff_messages",
            "profiles.desk.figures",
        },
        "profiles.batches": {"profiles.admin"},
    },
    without={
        "portal.s3.addresses": {"boto3", "botocore"},
        "portal.copying": {"django.db", "django.apps", "django.contrib"},
    },
    of_any_length=frozenset({"portal.settings"}),
)


def test_arrows_run_one_way_and_modules_are_short():
    assert problems(ROOT, RULES) == set()


def test_every_room_in_the_table_is_there():
    """After a room is renamed, its old line in the table would have no effect."""
    rooms = {path.parent.name for path in ROOT.glob("portal/*/__init__.py")}

    assert ROOMS.keys() <= rooms


def test_every_feature_in_the_table_is_there():
    assert all((ROOT / name.replace(".", "/") / "apps.py").exists() for name in FEATURES)


# The checker itself, on a small tree in which all is well until a test adds something.

SOUND = {
    "house/__init__.py": "",
    "house/settings.py": 'INSTALLED_APPS = ["people", "house.cellar"]\n',
    "house/urls.py": 'urlpatterns = [include("people.urls")]\n',
    "house/views.py": "from .kitchen import stove\n",
    "house/cellar/__init__.py": "",
    "house/cellar/wine.py": "import json\n",
    "house/cellar/shelves.py": "import boto3\n",
    "house/kitchen/__init__.py": "",
    "house/kitchen/stove.py": "from house.cellar import wine\nfrom django.conf import settings\n",
    "house/kitchen/management/__init__.py": "",
    "house/kitchen/management/commands/__init__.py": "",
    "house/kitchen/management/commands/cook.py": "from house.kitchen.stove import settings\n",
    "people/__init__.py": "",
    "people/urls.py": "from house.kitchen.stove import settings\nfrom house import views\n",
    "people/models.py": 'name = "people.Person"\n',
    "people/guests.py": "from .parties.music import band\n",
    "people/parties/__init__.py": "",
    "people/parties/music.py": "from people import models\n",
    "tests/__init__.py": "",
    "tests/test_stove.py": "from people import models\n",
}
SOUND_RULES = Rules(
    house="house",
    rooms={"cellar": set(), "kitchen": {"cellar"}, SHELL: {"cellar", "kitchen"}},
    above={"people": {"cellar", "kitchen", SHELL}},
    roots=frozenset({"house.settings", "house.urls"}),
    features={"people.parties": {"people.guests"}},
    without={"house.cellar.wine": {"boto3"}},
    of_any_length=frozenset({"house.settings"}),
)


@pytest.fixture
def tree(tmp_path):
    """A function that writes the sound tree with some files changed, and returns its problems."""

    def problems_with(changes):
        for name, text in (SOUND | changes).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return problems(tmp_path, SOUND_RULES)

    return problems_with


def test_a_sound_tree_has_no_problems(tree):
    """The control of everything below."""
    assert tree({}) == set()


@pytest.mark.parametrize(
    "line",
    [
        "import house.kitchen.stove",
        "import house.kitchen.stove as oven",
        "import json, house.kitchen.stove",
        "from house.kitchen import stove",
        "from house.kitchen.stove import settings",
        "from house.kitchen.stove import *",
        "from ..kitchen import stove",
        "from ..kitchen.stove import settings",
        "def cook():\n    from house.kitchen import stove",
        "class Cook:\n    async def cook(self):\n        from ..kitchen import stove",
        "if TYPE_CHECKING:\n    from house.kitchen import stove",
        "try:\n    import house.kitchen.stove\nexcept ImportError:\n    pass",
        'stove = import_string("house.kitchen.stove")',
        'stove = import_module(name="house.kitchen.stove")',
        'STOVES = {"default": ["house.kitchen.stove.Stove"]}',
    ],
)
def test_an_arrow_upwards_is_seen(tree, line):
    found = tree({"house/cellar/wine.py": f"{line}\n"})

    assert {problem.module for problem in found} == {"house.cellar.wine"}
    assert all(problem.what.startswith("house.kitchen.stove") for problem in found)
    assert found


@pytest.mark.parametrize("line", ["from house import kitchen", "from .. import kitchen"])
def test_an_arrow_to_a_whole_room_is_seen(tree, line):
    assert tree({"house/cellar/wine.py": line}) == {Problem("house.cellar.wine", "house.kitchen")}


@pytest.mark.parametrize(
    ("module", "line", "target"),
    [
        ("house/cellar/wine.py", "from people import models", "people.models"),
        ("house/views.py", "from people.models import Person", "people.models"),
        ("house/views.py", 'Person = get_model("people.Person")', "people.Person"),
        ("house/views.py", 'Person = get_model("people", "Person")', "people"),
        ("house/kitchen/stove.py", "from .. import views", "house.views"),
        ("house/kitchen/stove.py", "from house.settings import INSTALLED_APPS", "house.settings"),
        ("people/models.py", "from house import settings", "house.settings"),
        ("people/models.py", 'PATTERNS = "house.urls"', "house.urls"),
        (
            "house/cellar/wine.py",
            'call_command("cook")',
            "house.kitchen.management.commands.cook",
        ),
    ],
)
def test_what_stands_above_is_named_by_nobody_below(tree, module, line, target):
    name = module.removesuffix(".py").replace("/", ".")

    assert tree({module: line}) == {Problem(name, target)}


@pytest.mark.parametrize(
    "line", ["from .parties import music", 'band = import_string("people.parties.music.band")']
)
def test_a_feature_that_is_named_by_others_is_seen(tree, line):
    [problem] = tree({"people/models.py": line})

    assert problem.module == "people.models"
    assert problem.what.startswith("people.parties.music")


@pytest.mark.parametrize("target", ["people.birthdays.cake", "house.kitchen.stove"])
def test_a_room_above_has_arrows_of_its_own(tmp_path, target):
    files = {
        "people/birthdays/__init__.py": "",
        "people/birthdays/cake.py": "",
        "people/farewells/__init__.py": "",
        "people/farewells/letter.py": f"import people.models\nimport {target}\n",
    }
    for name, text in (SOUND | files).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    rooms = {"people.birthdays": {"people"}, "people.farewells": {"people"}}

    found = problems(tmp_path, replace(SOUND_RULES, above={**SOUND_RULES.above, **rooms}))

    assert found == {Problem("people.farewells.letter", target)}


def test_words_in_prose_are_no_arrows(tree):
    """A comment or a docstring may say where to read on."""
    text = '"""See house.kitchen.stove, and people/models.py."""\n# house.kitchen.stove\n'

    assert tree({"house/cellar/wine.py": text}) == set()


@pytest.mark.parametrize("line", ["import boto3", "from boto3.session import Session"])
def test_a_library_that_a_module_does_without_is_seen(tree, line):
    [problem] = tree({"house/cellar/wine.py": f"def later():\n    {line}"})

    assert problem.module == "house.cellar.wine"
    assert problem.what.startswith("boto3")


def test_a_library_is_seen_through_another_module(tree):
    found = tree({"house/cellar/wine.py": "from . import shelves"})

    assert found == {Problem("house.cellar.wine", "boto3")}


@pytest.mark.parametrize("package", ["house/cellar", "people", "tests"])
def test_code_in_an_init_is_seen(tree, package):
    name = package.replace("/", ".")

    assert tree({f"{package}/__init__.py": "VERSION = 1\n"}) == {
        Problem(name, "__init__.py is not empty")
    }


@pytest.mark.parametrize(
    ("module", "limit"),
    [("house/views.py", 300), ("people/models.py", 300), ("tests/test_stove.py", 400)],
)
def test_a_module_that_is_too_long_is_seen(tree, module, limit):
    name = module.removesuffix(".py").replace("/", ".")
    assert tree({module: "\n" * limit}) == set()

    assert tree({module: "\n" * (limit + 1)}) == {Problem(name, "too long")}


def test_the_settings_may_be_long(tree):
    assert tree({"house/settings.py": "\n" * 500}) == set()


def test_a_room_that_is_in_no_table_is_seen(tree):
    found = tree({"house/attic/__init__.py": "", "house/attic/box.py": "import json\n"})

    assert found == {Problem("house.attic", "a room without a line in the table")}
