import io
import logging
from time import perf_counter

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Does what should be done once a day: the steps of NIGHTLY in the settings, one after the "
        "other. A step that fails does not keep the others from being done. Exit status 1 if one "
        "has failed."
    )

    def handle(self, **options):
        failed = [step for step in settings.NIGHTLY if not self.is_done(step)]
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(settings.NIGHTLY)} steps failed: {', '.join(failed)}."
            )

    def is_done(self, step: str) -> bool:
        """Do one step and report it in a line; return False if it has failed."""
        began = perf_counter()
        try:
            result = do(step)
        except (Exception, SystemExit) as error:
            logger.exception("The nightly step %s failed", step)
            words = " ".join(f"{type(error).__name__} {error}".split())
            self.stdout.write(self.style.ERROR(f"{step}: failed, {words}"))
            for connection in connections.all(initialized_only=True):
                if not connection.in_atomic_block:
                    connection.close()  # it may be the cause; the next step opens another
            return False
        self.stdout.write(f"{step}: {result or 'done'} ({perf_counter() - began:.1f} s)")
        return True


def do(step: str) -> str:
    """Call a function by its dotted path, or a command by its name; return its result or output."""
    if "." in step:
        return import_string(step)()
    output = io.StringIO()
    call_command(step, stdout=output)
    return "; ".join(output.getvalue().split("\n")).strip("; ")
