import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.buckets.documents import bucket_documents, buckets_of
from portal.buckets.key_policies import key_policies
from portal.buckets.refusals import openings, uploads_with_acls
from portal.buckets.setup import Step, set_up
from portal.files import conf
from portal.files.hints import INCOMPLETE, on_error, reason
from portal.files.policies import in_buckets, in_buckets_as_they_are
from portal.s3.codes import KINDS, Kind
from portal.s3.errors import StorageError, is_answer, storage_errors

KEYS = ("app", "assets", "live", "operator")


class Command(BaseCommand):
    help = (
        "Create the site's buckets where they are missing, and open the public prefixes in them, "
        "and nothing else, to anonymous clients. Safe to run again: what is right is left alone, "
        "and so are policy statements and lifecycle rules that others have written."
    )

    def add_arguments(self, parser):
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--dry-run",
            action="store_true",
            help="print the configuration of each bucket as JSON, and make no request",
        )
        instead.add_argument(
            "--print-iam",
            nargs="?",
            const="all",
            metavar="KEY",
            help=f"print the IAM policy that a key pair needs ({', '.join(KEYS)}, or storage-ALIAS"
            " for a storage with a key pair of its own; all of them by default) as JSON, and make"
            " no request",
        )

    def handle(self, *, dry_run, print_iam, **options):
        storages = in_buckets(settings.STORAGES)
        if not storages:
            raise CommandError(f"S3 is not configured: set {', '.join(conf.S3_REQUIRED)}.")
        buckets = buckets_of(storages.values())
        if print_iam:
            self.print(chosen(key_policies(storages, in_buckets(conf.LIVE_STORAGES)), print_iam))
        elif reasons := refusals():
            raise CommandError("\n".join(["Nothing was changed.", *reasons]))
        elif dry_run:
            self.print({bucket: bucket_documents(each) for bucket, each in buckets.items()})
        elif conf.FILES_FOLDER:
            raise CommandError(
                "FILES_FOLDER makes this site one of several in its buckets. Run setup_bucket with"
                " FILES_FOLDER empty: what opens the prefixes opens the folder of each site, too."
            )
        else:
            self.set_up(buckets)

    def print(self, document):
        self.stdout.write(json.dumps(document, indent=4))

    def set_up(self, buckets: dict[str, list]):
        try:
            for bucket, storages in buckets.items():
                self.stdout.write(self.style.MIGRATE_HEADING(f"Bucket {bucket}"))
                with storage_errors("set up", bucket, storages[0]):
                    for step in set_up(storages):
                        self.report(step)
        except StorageError as error:
            how = "S3 refused" if is_answer(error) else "S3 does not answer"
            if isinstance(error.__cause__, INCOMPLETE):
                how = "S3 was not asked"
            raise CommandError(f"{how}: {error.__cause__}\n{hint(error)}") from error

    def report(self, step: Step):
        style = self.style.SUCCESS if step.is_changed else str
        self.stdout.write(f"  {step.setting}: {style(step.outcome)}")
        if step.warning:
            self.stderr.write(f"  {step.warning}")


def refusals() -> list[str]:
    """Return the reasons, in sentences, for which the buckets are not configured."""
    own = in_buckets_as_they_are(settings.STORAGES)
    live = in_buckets_as_they_are(conf.LIVE_STORAGES)
    return [*openings(own, live), *uploads_with_acls(own)]


def chosen(policies: dict, key: str) -> dict:
    """Return one of the policies, or all of them."""
    if key != "all" and key not in policies:
        raise CommandError(f"There is no key {key}. There are: {', '.join(policies)}, all.")
    return policies if key == "all" else policies[key]


def hint(error: StorageError) -> str:
    """Return what to do if S3 refuses or does not answer."""
    if KINDS.get(reason(error)) is not Kind.FORBIDDEN:
        return on_error(error)
    return (
        "This key may not do that. The site's own need not: run this once with an operator's"
        " (docs/storage.md, Keys); --print-iam operator prints the policy that it needs."
    )
