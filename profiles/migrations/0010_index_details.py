from django.db import migrations

from profiles.directory.indexing import index_all


def index_profiles(apps, schema_editor):
    """Index what members have written until now, so that they are found as soon as this is done."""
    profiles = apps.get_model("profiles", "Profile").objects.using(schema_editor.connection.alias)
    for _ in index_all(profiles.all()):
        pass


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0009_details"),
    ]

    operations = [
        migrations.RunPython(index_profiles, migrations.RunPython.noop),
    ]
