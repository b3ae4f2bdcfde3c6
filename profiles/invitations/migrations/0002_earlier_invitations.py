"""Makes pending invitations of members who were invited before there were any, and have not come."""

from django.db import migrations


def record(apps, schema_editor):
    users = apps.get_model("profiles", "User").objects
    invitations = apps.get_model("invitations", "Invitation").objects
    waiting = users.filter(is_active=True, last_login=None, password__startswith="!")
    invitations.bulk_create(
        (
            invitations.model(user_id=pk, invited_at=joined)
            for pk, joined in waiting.values_list("pk", "date_joined")
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("invitations", "0001_invitations")]

    operations = [migrations.RunPython(record, migrations.RunPython.noop)]
