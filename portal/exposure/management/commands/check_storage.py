import json
from collections import Counter
from collections.abc import Iterator

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError

from portal.exposure.anonymous_access import access_findings
from portal.exposure.anonymous_client import AnonymousClient
from portal.exposure.built_assets import asset_findings
from portal.exposure.describe import described
from portal.exposure.findings import FAIL, OK, WARN, Finding
from portal.exposure.probes import Probes
from portal.exposure.read_only_key import read_only_findings
from portal.files import conf
from portal.files.exit_status import INTERRUPTED
from portal.files.hints import settings_of_live
from portal.files.locations import shares_files_with_live
from portal.files.policies import in_buckets, made
from portal.files.tables import row_line, table_lines
from portal.s3.client import REQUEST_ATTEMPTS

WIDTHS = (4, 14, 0)  # of the outcome, of the longest subject that is usual, of the rest


class Command(BaseCommand):
    help = (
        "Prove who can do what with the site's files: store a small file under each policy, try to "
        "read, list, overwrite and delete it without credentials, follow signed links that are "
        "valid and that have expired, and try what the keys for the live site may do. The small "
        "files are removed again. Exit status 1 if anything is not as it should be."
    )
    requires_system_checks = []  # the command reports their errors as findings

    def add_arguments(self, parser):
        parser.add_argument(
            "--show",
            action="store_true",
            help="print where files are kept, as the settings resolved it, and make no request",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *, show, json, **options):
        self.as_json, self.findings = json, []
        own = in_buckets(settings.STORAGES)
        if show or not own:
            self.show()
        if show:
            return
        if not own:
            raise CommandError(
                "There is nothing to prove: S3 is not configured. Set "
                f"{', '.join(conf.S3_REQUIRED)}."
            )
        self.prove(own)

    def show(self) -> None:
        """Print the facts about each storage, of this site and of the live one."""
        own, twins = made(settings.STORAGES), made(conf.LIVE_STORAGES)
        shown = {alias: described(own[alias]) for alias in settings.STORAGES}
        shown |= {f"live {alias}": described(twins[alias]) for alias in conf.LIVE_STORAGES}
        if self.as_json:
            self.stdout.write(json.dumps(shown, indent=2))
            return
        for heading, about in shown.items():
            self.stdout.write(self.style.MIGRATE_HEADING(heading))
            for line in table_lines(about.items(), left_columns=2, indent="  "):
                self.stdout.write(line)

    def prove(self, own) -> None:
        """Ask all questions, and remove the probes whatever happens."""
        probes, ending = Probes(), None
        try:
            for finding in self.questions(own, probes):
                self.report(finding)
        except KeyboardInterrupt:
            ending = CommandError("Stopped.", returncode=INTERRUPTED)
        finally:
            for finding in probes.remove():
                self.report(finding)
            if self.as_json:
                found = [finding._asdict() for finding in self.findings]
                self.stdout.write(json.dumps(found, indent=2))
        self.summarize(ending)

    def questions(self, own, probes) -> Iterator[Finding]:
        """Yield all findings, those about the settings first."""
        found = checks.run_checks(tags=["files"])
        wrong = [each for each in found if each.is_serious() and not each.is_silenced()]
        for error in wrong:
            yield Finding(FAIL, "settings", error.msg, error.id or "", error.hint or "")
        if wrong:
            return  # the other findings would only repeat these faults
        if conf.SITE_ENVIRONMENT != "production" and shares_files_with_live():
            raise CommandError(
                "This site keeps its files where the live site's are: nothing was tried. Give this"
                f" site a bucket or a prefix of its own, or correct {settings_of_live()}."
            )
        client = AnonymousClient()
        for storage in own.values():
            storage.attempts = REQUEST_ATTEMPTS  # assets have more, because a build can wait
        yield from access_findings(own, probes, client)
        yield from asset_findings(client)
        yield from read_only_findings(in_buckets(conf.LIVE_STORAGES), client)

    def report(self, finding: Finding) -> None:
        """Print a finding: a line, and the hint below it."""
        self.findings.append(finding)
        if self.as_json:
            return
        observed = f" ({finding.observed})" if finding.observed else ""
        cells = (finding.outcome, finding.subject, f"{finding.statement}{observed}")
        line = row_line(cells, WIDTHS, left_columns=len(cells)).removeprefix(finding.outcome)
        style = {OK: self.style.SUCCESS, WARN: self.style.WARNING, FAIL: self.style.ERROR}
        self.stdout.write(f"{style[finding.outcome](finding.outcome)}{line}")
        if finding.hint:
            self.stdout.write(f"{'':6}{finding.hint}")

    def summarize(self, ending: CommandError | None) -> None:
        """End with the numbers; raise CommandError if anything failed."""
        counts = Counter(finding.outcome for finding in self.findings)
        summary = (
            f"{counts[OK]} as they should be, {counts[WARN]} to look at, {counts[FAIL]} failed."
        )
        if ending or counts[FAIL]:
            raise ending or CommandError(summary)
        if not self.as_json:
            self.stdout.write(summary)
