from django.db import migrations


class Migration(migrations.Migration):
    """Nothing: what was written before is folded after all migrations (profiles/apps.py)."""

    dependencies = [
        ("profiles", "0007_directory"),
    ]

    operations = []
