import json
from collections import Counter

from django.conf import settings
from django.core import checks
from django.core.files.storage.handler import StorageHandler
from django.core.management.base import BaseCommand, CommandError

from portal.exposure.anonymous_access import assets_of_the_build, exposure
from portal.exposure.anonymous_client import Stranger
from portal.exposure.describe import described
from portal.exposure.probes import FAIL, OK, WARN, Finding, Probes
from portal.exposure.read_only_key import live_keys
from portal.files.locations import shares_files_with_live
from portal.files.storages import POLICIES
from portal.s3.client import REQUEST_ATTEMPTS

INTERRUPTED = 130  # the exit status of what Ctrl-C ends


class Command(BaseCommand):
    help = (
        "Prove who can do what with the site's files: store a small file under each policy, try as "
        "a stranger to read, list, overwrite and delete, follow signed links that live and that "
        "are over, and try what the keys for live may do. The files are removed again. Exit status "
        "1 if anything is not as it should be."
    )
    requires_system_checks = []  # it says itself what is wrong with the settings

    def add_arguments(self, parser):
        parser.add_argument(
            "--show",
            action="store_true",
            help="print where files are kept, as the settings resolved it, and ask S3 nothing",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *, show, json, **options):
        self.as_json, self.findings = json, []
        own, twins = StorageHandler(settings.STORAGES), StorageHandler(settings.LIVE_STORAGES)
        if show or not settings.AWS_AVAILABLE:
            self.show(own, twins)
        if show:
            return
        if not settings.AWS_AVAILABLE:
            raise CommandError(
                "There is nothing to prove, for S3 is not configured: set "
                f"{', '.join(settings.S3_REQUIRED)}."
            )
        self.prove(own, twins)

    def show(self, own, twins) -> None:
        places = {alias: described(own[alias]) for alias in settings.STORAGES}
        places |= {f"live {alias}": described(twins[alias]) for alias in settings.LIVE_STORAGES}
        if self.as_json:
            self.stdout.write(json.dumps(places, indent=2))
            return
        for place, about in places.items():
            self.stdout.write(self.style.MIGRATE_HEADING(place))
            for heading, words in about.items():
                self.stdout.write(f"  {heading:14}{words}")

    def prove(self, own, twins) -> None:
        probes, ending = Probes(), None
        try:
            for finding in self.questions(own, twins, probes):
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

    def questions(self, own, twins, probes):
        wrong = [found for found in checks.run_checks(tags=["files"]) if found.is_serious()]
        for error in wrong:
            yield Finding(FAIL, "settings", error.msg, error.id, error.hint)
        if wrong:
            return  # what follows from them would be said in other words, and again
        if settings.SITE_ENVIRONMENT != "production" and shares_files_with_live():
            raise CommandError(
                "The files are where LIVE_* says that live's are: nothing was tried."
            )
        stranger = Stranger()
        storages = {alias: own[alias] for alias in POLICIES}
        storages["assets"].attempts = REQUEST_ATTEMPTS  # a build may wait for longer than we do
        yield from exposure(storages, probes, stranger)
        yield from assets_of_the_build(stranger)
        yield from live_keys({alias: twins[alias] for alias in settings.LIVE_STORAGES}, stranger)

    def report(self, finding: Finding) -> None:
        self.findings.append(finding)
        if self.as_json:
            return
        style = {OK: self.style.SUCCESS, WARN: self.style.WARNING, FAIL: self.style.ERROR}
        outcome = style[finding.outcome](f"{finding.outcome:<5}")
        said = f" ({finding.said})" if finding.said else ""
        self.stdout.write(f"{outcome} {finding.subject:<15}{finding.statement}{said}")
        if finding.advice:
            self.stdout.write(f"{'':6}{finding.advice}")

    def summarize(self, ending: CommandError | None) -> None:
        counts = Counter(finding.outcome for finding in self.findings)
        said = f"{counts[OK]} as they should be, {counts[WARN]} to look at, {counts[FAIL]} failed."
        if ending or counts[FAIL]:
            raise ending or CommandError(said)
        if not self.as_json:
            self.stdout.write(said)
