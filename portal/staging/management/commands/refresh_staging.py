import contextlib
import json
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from django.apps import apps
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from portal.copying import engine as copying
from portal.copying.stores import Unusable
from portal.files.references import field_label, field_storages, file_fields
from portal.staging.live import live_pairs
from portal.staging.report import Report

from .copy_live_media import INTERRUPTED, TROUBLE, number_of_jobs, outcomes


class Command(BaseCommand):
    help = (
        "Make a staging site of a database that has just been copied from live: take the members "
        "out of it (scrub_members), copy the files that are left (copy_live_media), and compare "
        "them with live's once more. After an interruption, whatever its cause, the same command "
        "goes on where it was. Refused where either of the two would be."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="say what would be scrubbed and copied, and change nothing; as nobody has gone "
            "then, the files are those of all members",
        )
        parser.add_argument(
            "--jobs",
            type=number_of_jobs,
            default=copying.JOBS,
            help="how many files are copied at a time (default: %(default)s)",
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE.json", help="write what happened to this file"
        )

    def handle(self, *, dry_run, jobs, report, **options):
        self.outputs = {name: options.get(name) for name in ("stdout", "stderr")}
        self.parts = {}
        pairs = live_pairs(field_storages(), jobs=jobs)  # refuses before anything has changed
        try:
            self.report = Report(report, dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"The report cannot be written: {error}") from error
        ending = None
        with self.report:
            try:
                self.scrub(dry_run)
                copy_error = self.copy(jobs, dry_run)
                if not dry_run:
                    self.verify(pairs, jobs)
                ending = copy_error
            except KeyboardInterrupt:
                ending = CommandError(
                    "Stopped. Nothing is half-done; run the same command again to go on.",
                    returncode=INTERRUPTED,
                )
            except CommandError as error:
                ending = error
            self.report.finish(**self.parts, ending=ending and str(ending))
        if ending:
            raise ending

    @contextlib.contextmanager
    def part(self, name: str, heading: str):
        """A part of the run: its heading, and in the report its facts and its seconds."""
        self.stdout.write(self.style.MIGRATE_HEADING(heading))
        facts = self.parts[name] = {}
        started = time.monotonic()
        try:
            yield facts
        finally:
            facts["seconds"] = round(time.monotonic() - started, 2)

    def scrub(self, dry_run: bool) -> None:
        with self.part("scrub", "Scrub") as facts:
            before = rows_by_model()
            # By its name: which tables hold members is not for this package to know.
            call_command("scrub_members", dry_run=dry_run, **self.outputs)
            after = rows_by_model()
            facts["rows"] = {
                label: {"before": count, "after": after[label]} for label, count in before.items()
            }

    def copy(self, jobs: int, dry_run: bool) -> CommandError | None:
        """Copy what the remaining rows name; returns the error that it ended with."""
        with self.part("copy", "Copy") as facts, TemporaryDirectory() as folder:
            path = Path(folder) / "copy.json"
            error = None
            try:
                call_command(
                    "copy_live_media", jobs=jobs, dry_run=dry_run, report=path, **self.outputs
                )
            except CommandError as raised:
                error = raised
            copied = json.loads(path.read_text()) if path.exists() else {"trouble": []}
            for trouble in copied["trouble"]:
                self.report.add(part="copy", **trouble)
            facts["fields"] = copied.get("fields")
            if error and error.returncode == INTERRUPTED:
                raise KeyboardInterrupt
            return error

    def verify(self, pairs, jobs: int) -> None:
        """Compare both ends once more. Raises CommandError unless all is here as it is on live."""
        fields = file_fields()
        with self.part("verify", "Verify") as facts:
            facts["fields"] = counts = {field_label(*pair): Counter() for pair in fields}
            try:
                for outcome in outcomes(fields, pairs, jobs=jobs, dry_run=True):
                    self.note(outcome, counts)
            except Unusable as error:
                raise CommandError(str(error)) from error
        sums = sum(counts.values(), Counter())
        self.stdout.write(f"{sums['as on live']:,} of {sums.total():,} are as on live.")
        if wrong := sums.total() - sums["as on live"]:
            raise CommandError(f"{wrong:,} files are not here as they are on live; see above.")

    def note(self, outcome, counts) -> None:
        """Count what the second look has found; of trouble the copy has told already."""
        result = {"unchanged": "as on live", "copied": "different"}.get(
            outcome.result, outcome.result
        )
        for owner in outcome.owners:
            counts[f"{owner.model}.{owner.field}"][result] += 1
            if result == "as on live":
                continue
            if result not in TROUBLE:
                self.stderr.write(
                    f"{result}: {owner.model} {owner.pk}, {owner.field}: {owner.name!r}."
                )
            self.report.add(
                part="verify", result=result, reason=outcome.reason,
                model=owner.model, pk=str(owner.pk), field=owner.field, name=owner.name,
            )  # fmt: skip


def rows_by_model() -> dict[str, int]:
    """How many rows each table has that a model stands for."""
    return {
        model._meta.label: QuerySet(model).count()
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
