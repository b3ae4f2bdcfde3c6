from django.db import migrations


class Migration(migrations.Migration):
    """Does nothing any more: the index has grown, and the newest migration of this kind fills it."""

    dependencies = [
        ("profiles", "0007_directory"),
    ]

    operations = []
