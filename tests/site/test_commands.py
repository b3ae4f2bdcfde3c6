"""The arguments of the commands: commands.txt is the committed list, and a change of it is meant.

It has a row for each argument of the site's own commands, without words for people. The test prints
new ones.
"""

import argparse
from pathlib import Path

from django.core.checks.registry import registry
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

LIST = Path(__file__).with_name("commands.txt")
WHAT = ("dest", "nargs", "const", "default", "type", "choices", "required")
USUAL = {"nargs": None, "const": None, "default": None, "type": None, "choices": None}
USUAL |= {"required": False}
OWN = ("portal.", "profiles")
KINDS = {argparse._StoreAction: "value", argparse._StoreTrueAction: "switch"}


def own_commands() -> list[tuple[str, str]]:
    """Return the site's commands with their apps; collectstatic has Django's arguments."""
    found = {name: app for name, app in get_commands().items() if app.startswith(OWN)}
    return sorted(found.items() - {("collectstatic", "portal.files")})


def arguments(command: BaseCommand) -> list[argparse.Action]:
    """Return the arguments of a command, without those that all commands have."""
    of_all = {each.dest for each in BaseCommand().create_parser("", "")._actions}
    parser = command.create_parser("manage.py", "")
    return [each for each in parser._actions if each.dest not in of_all]


def row(name: str, each: argparse.Action) -> str:
    said = {what: getattr(each, what) for what in WHAT}
    said["type"] = getattr(said["type"], "__name__", said["type"])
    told = " ".join(f"{what}={said[what]!r}" for what in WHAT if said[what] != USUAL.get(what))
    named = "/".join(each.option_strings) or "(argument)"
    return f"{name} {named} {KINDS.get(type(each), type(each).__name__)} {told}"


def test_every_argument_of_a_command_is_as_the_list_says():
    commands = {name: load_command_class(app, name) for name, app in own_commands()}
    actual = [row(name, each) for name in commands for each in arguments(commands[name])]
    expected = LIST.read_text().splitlines()

    assert [each for each in actual if each not in expected] == [], "not in commands.txt"
    assert actual == expected, "in commands.txt, but not so"


CHECKS = {  # with their tags
    "buckets_have_keys": ("files",),
    "policies_have_prefixes": ("files",),
    "prefixes_are_no_patterns": ("files",),
    "profiles_are_found": ("database",),
    "protected_links_are_signed": ("files",),
    "public_and_protected_files_are_apart": ("files",),
    "storages_of_fields_have_aliases": ("files",),
    "uploads_have_a_storage": ("files",),
    "users_have_verified_addresses": ("database",),
}
CHECKS_OF_A_DEPLOYMENT = {  # by `check --deploy` alone
    "assets_are_collected": (),
    "assets_are_in_their_bucket": (),
    "cdns_serve_no_protected_files": ("security",),
    "files_travel_over_tls": ("security",),
    "hosts_are_named": ("security",),
    "mail_can_be_sent": (),
    "mail_has_a_sender": (),
    "mail_passwords_travel_over_tls": ("security",),
    "mail_ports_fit_their_schemes": (),
    "staging_sends_no_mail": ("security",),
}


def test_every_system_check_runs_when_it_should():
    def found(registered):
        return {
            check.__name__: check.tags for check in registered if check.__module__.startswith(OWN)
        }

    assert found(registry.registered_checks) == CHECKS
    assert found(registry.deployment_checks) == CHECKS_OF_A_DEPLOYMENT
