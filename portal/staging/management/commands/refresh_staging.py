import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from django.apps import apps
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.files.exit_status import INTERRUPTED
from portal.files.hints import with_hint
from portal.files.references import field_storages, file_fields
from portal.files.sweeping import SweepRefused
from portal.staging import media
from portal.staging.display import CopyDisplay
from portal.staging.identity import add_fork_argument, refuse_live
from portal.staging.leftovers import leftovers
from portal.staging.live import live_pairs
from portal.staging.media import AS_ON_LIVE, DIFFERENT, TROUBLE
from portal.staging.placeholders import store_placeholders
from portal.staging.preflight import refuse_unmigrated, try_both_ends
from portal.staging.report import Report

from .copy_live_media import add_jobs_argument
from .scrub_members import add_choice_arguments, choice_of, drawn_line, named_rules


class Command(BaseCommand):
    help = (
        "Makes a staging site of a database that has just been copied from live: removes the "
        "members from it (scrub_members), copies the files of the remaining rows "
        "(copy_live_media), compares them with the live files once more, and counts the files that "
        "no row names any more. After an interruption "
        "of any kind the same command goes on where it stopped. Refused where scrub_members or "
        "copy_live_media would be."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="say what would be scrubbed and copied, and change nothing: the rules are "
            "applied, the files counted, and all of it rolled back",
        )
        add_jobs_argument(parser)
        add_fork_argument(parser)
        add_choice_arguments(parser)
        parser.add_argument(
            "--sweep",
            action="store_true",
            help="at the end, delete the files in this site's own storages that no row names",
        )
        parser.add_argument(
            "--most",
            action="store_true",
            help="with --sweep: delete them even if they are most of many files",
        )
        parser.add_argument(
            "--live-key-may-write",
            action="store_true",
            help="go on although the keys for the live site's files may store or delete there",
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE.json", help="write the result to this file"
        )

    def handle(
        self, *, dry_run, jobs, report, confirmed_fork, live_key_may_write, sweep, most, **options
    ):
        self.started = timezone.now()
        self.outputs = {name: options.get(name) for name in ("stdout", "stderr")}
        self.parts = {}
        storages = field_storages()
        pairs = live_pairs(storages, jobs=jobs)  # refuses before anything has changed
        refuse_live(confirmed_fork)
        refuse_unmigrated()
        self.confirmed_fork, self.choice = confirmed_fork, choice_of(options)
        with Report(report, dry_run=dry_run) as self.report:
            try:
                try_both_ends(
                    storages,
                    pairs,
                    file_fields(),
                    dry_run=dry_run,
                    live_key_may_write=live_key_may_write,
                )
                if dry_run:
                    error = self.rehearse(storages, pairs, jobs)
                else:
                    self.scrub()
                    self.draw(jobs, dry_run=False)
                    error = self.copy(pairs, jobs, dry_run=False)
                    error = self.verify(pairs, jobs) or error
                    error = self.sweep(storages, delete=sweep, most=most) or error
            except KeyboardInterrupt:
                error = CommandError(
                    "Stopped. Nothing is half-done; run the same command again to go on.",
                    returncode=INTERRUPTED,
                )
            except CommandError as raised:
                error = raised
            self.report.finish(**self.parts, ending=error and str(error))
        if error:
            raise error

    @contextmanager
    def part(self, name: str, heading: str):
        """A part of the run: its heading, and in the report its facts and its seconds."""
        self.stdout.write(self.style.MIGRATE_HEADING(heading))
        facts = self.parts[name] = {}
        started = time.monotonic()
        try:
            yield facts
        finally:
            facts["seconds"] = round(time.monotonic() - started, 2)

    def rehearse(self, storages, pairs, jobs: int) -> CommandError | None:
        """Do what the run would do, as far as it can be undone, and undo it."""
        with transaction.atomic():
            self.scrub(is_undone=True)
            self.draw(jobs, dry_run=True)
            error = self.copy(pairs, jobs, dry_run=True)
            error = self.sweep(storages, delete=False, most=False) or error
            transaction.set_rollback(True)  # an exception has done so already
        self.stdout.write("Nothing was changed: this was a dry run.")
        return error

    def scrub(self, *, is_undone: bool = False) -> None:
        """Remove the members. Raises CommandError."""
        with self.part("scrub", "Scrub") as facts:
            before = rows_by_model()
            call_command(
                "scrub_members",
                is_part=True,
                is_undone=is_undone,
                **self.choice._asdict(),
                confirmed_fork=self.confirmed_fork,
                **self.outputs,
            )
            after = rows_by_model()
            facts["rows"] = {
                label: {"before": count, "after": after[label]} for label, count in before.items()
            }

    def draw(self, jobs: int, *, dry_run: bool) -> None:
        """Draw the files of replaced members. Raises CommandError."""
        with self.part("draw", "Draw") as facts:
            rules = named_rules()
            drawn = store_placeholders(rules, jobs=jobs, dry_run=dry_run)
            facts.update(drawn._asdict())
        self.stdout.write(drawn_line(rules, drawn, dry_run))

    def copy(self, pairs, jobs: int, *, dry_run: bool) -> CommandError | None:
        """Copy the files of the remaining rows, and return the error if some did not arrive."""
        fields = file_fields()
        with self.part("copy", "Copy") as facts:
            count_all = partial(media.count_from_live, fields)
            display = CopyDisplay(self.stdout, self.stderr, self.report, count_all, part="copy")
            result = media.copy_media(fields, pairs, jobs=jobs, dry_run=dry_run, each=display.show)
            facts["fields"] = result.fields
            display.finish(result, dry_run=dry_run)
        if result.is_interrupted:
            raise KeyboardInterrupt
        return media.copy_error(result)

    def verify(self, pairs, jobs: int) -> CommandError | None:
        """Compare source and target again; return the error unless all files are the same."""
        with self.part("verify", "Verify") as facts:
            result = media.verify_media(file_fields(), pairs, jobs=jobs, each=self.note)
            facts["fields"] = result.fields
        if result.is_interrupted:
            raise KeyboardInterrupt
        if result.unusable:
            return CommandError(result.unusable)
        same, total = result.total(AS_ON_LIVE), result.total(AS_ON_LIVE, DIFFERENT, *TROUBLE)
        self.stdout.write(f"{same:,} of {total:,} are as on live.")
        if wrong := total - same:
            return CommandError(f"{wrong:,} files are not here as they are on live; see above.")
        return None

    def sweep(self, storages, *, delete: bool, most: bool) -> CommandError | None:
        """Count the files in this site's own storages that no row names, and perhaps delete them.

        Those that were there when the refresh began: whatever has come since has, or will have, a
        row. Returns the error if some cannot be deleted.
        """
        with self.part("sweep", "Sweep") as facts:
            try:
                counts = leftovers(storages, self.started, delete=delete, most=most)
            except (SweepRefused, OSError) as error:
                return CommandError(with_hint(error) if isinstance(error, OSError) else str(error))
            facts["storages"] = counts
        for label, count in counts.items():
            self.stdout.write(
                f"{label}: no row names {count['unnamed']:,} files"
                + (f"; {count['deleted']:,} were deleted." if delete else ".")
            )
        left = sum(count["unnamed"] - count["deleted"] for count in counts.values())
        if delete and left:
            return CommandError(f"{left:,} files that no row names could not be deleted.")
        if left:
            self.stdout.write("They may be those of former members. --sweep deletes them.")
        return None

    def note(self, outcome, found: str) -> None:
        """Report what is not as on live; print what the copy has not printed already."""
        if found == AS_ON_LIVE:
            return
        for owner in outcome.owners:
            if found not in TROUBLE:
                self.stderr.write(
                    f"{found}: {owner.model} {owner.pk}, {owner.field}: {owner.name!r}."
                )
            self.report.add(part="verify", **media.trouble(owner, found, outcome.reason))


def rows_by_model() -> dict[str, int]:
    """The number of rows in the table of each model that Django manages."""
    return {
        model._meta.label: QuerySet(model).count()
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
