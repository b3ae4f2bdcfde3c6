"""The migrations that bring addresses and names of the first version into their canonical form."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from profiles.models import Profile
from tests.accounts.test_verified_address import findings

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.whole,
    pytest.mark.postgresql,  # the database of each site that has rows of the first version
]

BEFORE = ("profiles", "0002_index_what_is_new")


@pytest.fixture
def first_version(transactional_db):
    """The tables of the first version; the newest ones are back after the test."""
    call_command("migrate", *BEFORE, verbosity=0)
    yield MigrationExecutor(connection).loader.project_state(BEFORE).apps
    with connection.cursor() as cursor:
        there = connection.introspection.table_names(cursor)
        for table in (
            "account_emailaddress",
            "django_admin_log",
            "profiles_directoryentry",
            "profiles_profileword",
            "profiles_profiletag",
            "profiles_worddeletion",
            "profiles_profile",
            "profiles_user",
        ):
            if table in there:  # those of the directory only where the test has migrated so far
                cursor.execute(f"DELETE FROM {table}")
    call_command("migrate", verbosity=0)


def add_user(apps, email, **fields):
    user = apps.get_model("profiles", "User").objects.create(email=email, **fields)
    apps.get_model("profiles", "Profile").objects.create(user=user, name="Ame\u0301lie")
    return user.pk


def add_address(user, email, *, verified=False, primary=False):
    # allauth's table is not of this app, and the same before and after.
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO account_emailaddress (user_id, email, verified, "primary")'
            " VALUES (%s, %s, %s, %s) RETURNING id",
            [user, email, verified, primary],
        )
        return cursor.fetchone()[0]


def add_log_entry(author, user, words):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id,"
            " object_repr, action_flag, change_message)"
            " SELECT %s, %s, id, %s, %s, 2, '' FROM django_content_type"
            " WHERE app_label = 'profiles' AND model = 'user'",
            [timezone.now(), author, str(user), words],
        )


def whole(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        return cursor.fetchall()


def emails():
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, email FROM profiles_user")
        return dict(cursor.fetchall())


def addresses(user):
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT email, verified, "primary" FROM account_emailaddress'
            " WHERE user_id = %s ORDER BY verified DESC, id",
            [user],
        )
        return [(email, bool(verified), bool(primary)) for email, verified, primary in cursor]


def migrate():
    call_command("migrate", verbosity=0)


def test_every_user_gets_a_verified_address_in_canonical_form(first_version):
    plain = add_user(first_version, "ada@example.org")
    pasted = add_user(first_version, "grace@exam\u200bple.org")
    umlaut = add_user(first_version, "anna@müller.example")

    migrate()

    assert emails() == {
        plain: "ada@example.org",
        pasted: "grace@example.org",
        umlaut: "anna@xn--mller-kva.example",
    }
    for user, email in emails().items():
        assert addresses(user) == [(email, True, True)]
    assert findings() == []


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([("ada@example.org", False)], []),
        ([("former@example.org", True)], []),
        ([("ada@example.org", True), ("former@example.org", True)], []),
        ([("new@example.org", False)], ["new@example.org"]),
        ([("older@example.org", False), ("new@Example.org", False)], ["new@example.org"]),
        ([("new@example.org", False), ("ada@example.org", False)], ["new@example.org"]),
        ([("new@müller.example", False)], ["new@xn--mller-kva.example"]),
        ([("\u0130da@example.org", False)], []),
    ],
    ids=["its own, unverified", "a former one", "both", "one that waits", "two that wait",
         "one that waits and its own", "one in another form", "an impossible one"],
)  # fmt: skip
def test_what_waits_for_confirmation_is_kept_and_nothing_else(first_version, rows, kept):
    user = add_user(first_version, "ada@example.org")
    pks = {add_address(user, email, verified=verified): email for email, verified in rows}

    migrate()

    assert addresses(user) == [("ada@example.org", True, True), *((e, False, False) for e in kept)]
    still_there = {row[0] for row in whole("account_emailaddress")} & pks.keys()
    assert len(still_there) >= len(kept), "a link in the member's mailbox leads to the row"


def test_an_address_is_taken_from_the_row_of_somebody_who_has_left_it(first_version):
    former = add_user(first_version, "former@example.org")
    owner = add_user(first_version, "ada@example.org")
    add_address(former, "ada@example.org", verified=True, primary=True)

    migrate()

    assert addresses(former) == [("former@example.org", True, True)]
    assert addresses(owner) == [("ada@example.org", True, True)]


def test_a_lost_address_comes_back_from_the_admins_log(first_version):
    """The fault of the first version: '' at once, with what was asked for unverified."""
    chief = add_user(first_version, "chief@example.org")
    lost = add_user(first_version, "")
    add_log_entry(chief, lost, "older@example.org")
    add_log_entry(chief, lost, "Ada@example.org")
    add_log_entry(chief, lost, "")
    add_address(lost, "mistyped@example.org")

    migrate()

    assert addresses(lost) == [
        ("ada@example.org", True, True),
        ("mistyped@example.org", False, False),
    ]
    assert emails()[lost] == "ada@example.org"
    assert findings() == []


def test_a_lost_address_comes_back_from_a_verified_row(first_version):
    lost = add_user(first_version, "")
    add_address(lost, "ada@example.org", verified=True)

    migrate()

    assert addresses(lost) == [("ada@example.org", True, True)]


@pytest.mark.parametrize("logged", [None, "taken@example.org", "Ada Lovelace"])
def test_an_address_is_never_invented(first_version, capsys, logged):
    """An unverified one may be a slip of the pen: staff are told, and the check finds the user."""
    chief = add_user(first_version, "taken@example.org")
    lost = add_user(first_version, "")
    add_address(lost, "mistyped@example.org")
    if logged:
        add_log_entry(chief, lost, logged)

    migrate()

    assert emails()[lost] == ""
    assert addresses(lost) == [("mistyped@example.org", False, False)]
    assert f"User {lost} has lost the address" in capsys.readouterr().out
    assert findings() == [f"Users without a verified e-mail address of their own: 1 (pk {lost})."]


def test_it_stops_before_any_change_where_two_users_have_one_address(first_version):
    """E3: by pk, with what to do; once it is done, the migration runs."""
    add_user(first_version, "ok@müller.example")
    one = add_user(first_version, "anna@müller.example")
    other = add_user(first_version, "anna@xn--mller-kva.example")
    invisible = add_user(first_version, "gra\u200bce@example.org")
    visible = add_user(first_version, "grace@example.org")
    impossible = add_user(first_version, "\u0131da@example.org")
    before = whole("profiles_user"), whole("profiles_profile"), whole("account_emailaddress")

    with pytest.raises(CommandError) as refused:
        migrate()

    assert (
        whole("profiles_user"), whole("profiles_profile"), whole("account_emailaddress")
    ) == before  # fmt: skip
    words = str(refused.value)
    assert f"Users {one} and {other} have the same e-mail address." in words
    assert f"Users {invisible} and {visible} have the same e-mail address." in words
    assert f"User {impossible} has an e-mail address that nothing can be sent to." in words
    assert "Nothing was changed." in words
    assert "migrate again" in words
    assert "example" not in words, "a release's log is no place for addresses"

    users = first_version.get_model("profiles", "User").objects
    users.filter(pk__in=[other, invisible]).delete()
    users.filter(pk=impossible).update(email="ida@example.org")
    migrate()
    assert findings() == []


def test_names_are_composed(first_version):
    add_user(first_version, "ada@example.org")

    migrate()

    assert Profile.objects.values_list("name", flat=True).get() == "Am\u00e9lie"
