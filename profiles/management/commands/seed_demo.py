import secrets
import tomllib
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError, transaction
from django.utils import timezone

from portal.files.hints import of_database, with_hint
from portal.files.references import file_fields
from portal.staging.identity import refuse_live
from profiles.forms import with_audiences
from profiles.models import Profile, ResumeDownload, User
from profiles.society.models import Society

DEMO = Path(__file__).resolve().parents[2] / "demo"

# Public, because they are in the source: for development alone.
DEVELOPMENT_PASSWORDS = {"member": "meridian-member", "staff": "meridian-staff"}


class Command(BaseCommand):
    help = (
        "Adds the demo society and members, with avatars, resumes and two log-ins. Run again, it "
        "adds only those that are missing (by e-mail address) and leaves the others as they are. "
        "A society that is named already stays as it is."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--allow-outside-development",
            action="store_true",
            help="Add invented people to this site even though it is not a development one. "
            "The two log-ins, one of them a superuser's, get random passwords, printed once.",
        )

    def handle(self, *, allow_outside_development, **options):
        in_development = settings.SITE_ENVIRONMENT == "development"
        if not in_development and not allow_outside_development:
            raise CommandError(
                f"This is a {settings.SITE_ENVIRONMENT} site. To add invented people to it "
                "all the same, use --allow-outside-development."
            )
        if settings.SITE_ENVIRONMENT != "production":
            refuse_live()  # development's passwords are public, and one log-in is a superuser's
        demo = tomllib.loads((DEMO / "members.toml").read_text(encoding="utf-8"))
        passwords = DEVELOPMENT_PASSWORDS if in_development else random_passwords()
        try:
            added = add_missing_members(demo, passwords)
        except ImproperlyConfigured as error:
            raise CommandError(f"Nothing was added: {error}") from error
        except OSError as error:
            raise CommandError(f"Nothing was added: {with_hint(error)}") from error
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(f"Nothing was added: {of_database(error)}") from error
        self.report(added, len(demo["members"]))
        logins = demo["members"] if in_development else added
        self.print_logins([member for member in logins if "login" in member], passwords)

    def report(self, added, total):
        if not added:
            self.stdout.write(f"All {total} demo members are here already.")
            return
        avatars = sum("portrait" in member for member in added)
        resumes = sum("resume" in member for member in added)
        self.stdout.write(
            f"Added {len(added)} of {total} demo members (avatars: {avatars}, resumes: {resumes})."
        )

    def print_logins(self, members, passwords):
        if members:
            self.stdout.write("Log in as one of these:")
        for member in sorted(members, key=lambda member: member["login"]):
            login = member["login"]
            self.stdout.write(f"  {login:<8}{member['email']:<22}{passwords[login]}")


def random_passwords():
    return {login: secrets.token_urlsafe(15) for login in DEVELOPMENT_PASSWORDS}


def add_missing_members(demo, passwords):
    """Add the members whose e-mail addresses are free, all or none; return those added.

    Files that were stored are deleted again if the transaction fails.
    """
    addresses = {member["slug"]: member["email"] for member in demo["members"]}
    taken = set(User.objects.filter(email__in=addresses.values()).values_list("email", flat=True))
    missing = [member for member in demo["members"] if member["email"] not in taken]
    now = timezone.now()
    with ExitStack() as undo_storing:
        with transaction.atomic():
            if not Society.objects.exists():
                Society.objects.create(**demo["society"])
            for member in missing:
                add_member(member, passwords, now, undo_storing)
            if missing:
                add_downloads(demo["downloads"]["opened"], addresses, taken, now)
        undo_storing.pop_all()  # the rows are committed, so their files are kept
    return missing


def add_member(member, passwords, now, undo_storing):
    joined = now - timedelta(days=member["joined"])
    # Demo members without a log-in have no password, which also saves the hashing.
    user = User.objects.create_user(
        member["email"],
        passwords.get(member.get("login")),
        is_active=member.get("active", True),
        is_staff=member.get("login") == "staff",
        is_superuser=member.get("login") == "staff",
        date_joined=joined,
        language=member.get("language", ""),
    )
    profile = user.profile
    for name in ("name", "headline", "bio", "visibility", *with_audiences()):
        if name in member:
            value = member[name]
            setattr(profile, name, value if isinstance(value, str) else "\n".join(value))
    undo_storing.callback(delete_stored_files, profile)
    if "portrait" in member:
        store(profile.avatar, DEMO / "avatars" / f"{member['slug']}.webp")
    if "resume" in member:
        store(profile.resume, DEMO / "resumes" / f"{member['slug']}.pdf")
    profile.save()
    # Both dates set themselves on save; only an update can put them into the past.
    Profile.objects.filter(pk=profile.pk).update(
        created_at=joined, updated_at=now - timedelta(days=member["edited"])
    )


def store(field_file, path):
    with path.open("rb") as file:
        field_file.save(path.name, File(file), save=False)


def delete_stored_files(profile):
    """Delete what was stored for a profile whose row is rolled back, small pictures included."""
    for model, field in file_fields():
        stored = getattr(profile, field.name) if model is type(profile) else None
        if stored and stored._committed:
            stored.storage.delete(stored.name)


def add_downloads(opened, addresses, taken, now):
    """Add the records of opened resumes whose owners are new."""
    users = User.objects.select_related("profile").in_bulk(
        list(addresses.values()), field_name="email"
    )
    ResumeDownload.objects.bulk_create(
        ResumeDownload(
            profile=users[addresses[owner]].profile,
            member=users[addresses[reader]],
            opened_at=now - timedelta(days=days),
        )
        for owner, reader, days in opened
        if addresses[owner] not in taken
    )
