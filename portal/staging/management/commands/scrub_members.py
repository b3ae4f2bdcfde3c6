from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils.module_loading import import_string

from portal.files.locations import shares_files_with_live
from portal.files.tables import table_lines
from portal.staging import conf
from portal.staging.identity import add_fork_argument, is_markable, refuse_live
from portal.staging.scrubbing import ScrubRefused, ScrubRules, reason_to_refuse, scrub


class Command(BaseCommand):
    help = (
        "Removes people from a staging copy of the live database: deletes rows and clears columns "
        "by the written decisions that SCRUB_RULES in the settings names. All of it happens or "
        "nothing. Refused on a production site. Files are left alone: sweep_media removes them."
    )

    # refresh_staging gives this one: in its dry run it undoes the scrub when it has looked at it.
    stealth_options = ("is_undone",)

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would change, and change nothing"
        )
        add_fork_argument(parser)

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
        try:
            changes = scrub(named_rules(), dry_run=dry_run)
        except ScrubRefused as refused:
            raise CommandError(str(refused)) from refused
        self.report(changes)
        if not options.get("is_undone"):
            self.stdout.write(
                "Nothing was changed: this was a dry run." if dry_run else "Scrubbed."
            )

    def report(self, changes):
        """Print a table of counts; names and addresses do not belong in a nightly job's log."""
        rows = [
            (what, deleted or None, cleared or None)
            for what, deleted, cleared in sorted(changes)
            if deleted or cleared
        ]
        for line in table_lines([("", "deleted", "cleared"), *rows]):
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
