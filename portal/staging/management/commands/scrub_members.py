import argparse

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils.module_loading import import_string

from portal.files.locations import shares_files_with_live
from portal.files.tables import table_lines
from portal.staging import conf
from portal.staging.identity import add_fork_argument, is_markable, refuse_live
from portal.staging.placeholders import Stored, placeholder_columns, store_placeholders
from portal.staging.preflight import refuse_unmigrated
from portal.staging.sampling import Choice
from portal.staging.scrubbing import Change, ScrubRefused, ScrubRules, reason_to_refuse, scrub

DRAWING_JOBS = 8


class Command(BaseCommand):
    help = (
        "Removes people from a staging copy of the live database: deletes rows, clears columns and "
        "replaces members by people who do not exist, by the written decisions that SCRUB_RULES in "
        "the settings names. All of it happens or nothing. Refused on a production site. No file "
        "is deleted: sweep_media removes those that no row names. Files of replaced members are "
        "drawn."
    )

    # refresh_staging gives these: it draws the files itself, and in its dry run it undoes the scrub
    # when it has looked at it.
    stealth_options = ("is_part", "is_undone")

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would change, and change nothing"
        )
        add_fork_argument(parser)
        add_choice_arguments(parser)

    def handle(self, *, dry_run, confirmed_fork, **options):
        host = connection.get_connection_params().get("host") or ""
        reason = reason_to_refuse(conf.SITE_ENVIRONMENT, host, shares_files_with_live())
        if reason:
            raise CommandError(f"Nothing was changed. {reason}")
        if refuse_live(confirmed_fork) is None and is_markable():
            self.stderr.write(
                "This database has no mark of production's, so only SITE_ENVIRONMENT tells that it"
                " is a copy. A release of the live site marks it."
            )
        refuse_unmigrated()
        rules, choice = named_rules(), choice_of(options)
        try:
            changes = scrub(rules, choice, dry_run=dry_run)
        except ScrubRefused as refused:
            raise CommandError(str(refused)) from refused
        self.report(changes)
        if choice.keep and not dry_run and not options.get("is_part"):
            self.stdout.write(drawn_line(rules, store_placeholders(rules, jobs=DRAWING_JOBS)))
        if not options.get("is_undone"):
            self.stdout.write(
                "Nothing was changed: this was a dry run." if dry_run else "Scrubbed."
            )

    def report(self, changes):
        """Print a table of counts; names and addresses do not belong in a nightly job's log."""
        rows = [
            (what, *(count or None for count in counts))
            for what, *counts in sorted(summed(changes))
            if any(counts)
        ]
        for line in table_lines([("", "deleted", "cleared", "replaced"), *rows]):
            self.stdout.write(line)


def named_rules() -> ScrubRules:
    """The rules that SCRUB_RULES in the settings names. Raises CommandError."""
    path = conf.SCRUB_RULES
    if not path:
        raise CommandError(
            "Nothing was changed. Set SCRUB_RULES in the settings to the dotted path of the"
            " project's ScrubRules, such as app.scrub_rules.RULES."
        )
    try:
        rules = import_string(path)
    except ImportError as error:
        raise CommandError(f"Nothing was changed. SCRUB_RULES: {error}") from error
    if not isinstance(rules, ScrubRules):
        raise CommandError(
            f"Nothing was changed. SCRUB_RULES names {path}, which is not a ScrubRules."
        )
    return rules


def summed(changes: list[Change]) -> list[Change]:
    """Return one Change for each table and column: some rows of it are cleared, others replaced."""
    sums: dict[str, Change] = {}
    for change in changes:
        earlier = sums.get(change.what, Change(change.what))
        counts = [each + more for each, more in zip(earlier[1:], change[1:], strict=True)]
        sums[change.what] = Change(change.what, *counts)
    return list(sums.values())


def add_choice_arguments(parser) -> None:
    """Add the arguments about who stays on the staging site."""
    parser.add_argument(
        "--keep",
        type=whole_number,
        default=0,
        metavar="N",
        help="besides the staff, N members stay, each as somebody who does not exist; they are"
        " chosen so that each kind of member is among them",
    )
    parser.add_argument(
        "--seed", default="", help="with --keep: another text chooses other members"
    )
    parser.add_argument(
        "--keep-consenting",
        action="store_true",
        help="members who have agreed to it on their own page stay as they are, with their files",
    )


def whole_number(text: str) -> int:
    """Return the number that was typed. Raises ArgumentTypeError for what is none, or negative."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)


def choice_of(options: dict) -> Choice:
    """Return what the arguments of add_choice_arguments() say."""
    return Choice(options["keep"], options["seed"], options["keep_consenting"])


def drawn_line(rules: ScrubRules, drawn: Stored, dry_run: bool = False) -> str:
    """Return the sentence about the placeholders of a run."""
    if not any(placeholder_columns(rules)):
        return "No rule is a Placeholder, so no file is drawn."
    verb = "are to be drawn" if dry_run else "were drawn"
    return (
        f"{drawn.stored:,} files of replaced members {verb}, and {drawn.unchanged:,} were there"
        " already."
    )
