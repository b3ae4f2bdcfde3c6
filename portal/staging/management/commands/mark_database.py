from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from portal.staging import conf
from portal.staging.identity import advice_on_files, is_markable, write_mark


class Command(BaseCommand):
    help = (
        "On the live site, mark its database as the live one, so that the commands which make a "
        "staging site of a copy refuse it whatever SITE_ENVIRONMENT says. Does nothing on other "
        "sites, and on SQLite. A release runs it, and each start renews the mark."
    )

    def handle(self, **options):
        if conf.SITE_ENVIRONMENT != "production":
            self.stdout.write(f"This is a {conf.SITE_ENVIRONMENT} site: its database has no mark.")
            return
        if not is_markable():
            self.stdout.write("Only PostgreSQL databases are marked.")
            return
        try:
            left = write_mark()
        except Error as error:
            raise CommandError(f"The database could not be marked: {error}") from error
        self.stdout.write("The database is marked as the live site's.")
        if left:
            self.stderr.write(advice_on_files(left))
