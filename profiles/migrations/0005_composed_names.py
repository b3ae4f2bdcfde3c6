import unicodedata

from django.db import migrations

import profiles.fields
import profiles.validators


def compose(apps, schema_editor):
    """Store names and headlines in the form (NFC) in which they are searched for from now on."""
    profiles_ = apps.get_model("profiles", "Profile").objects.using(schema_editor.connection.alias)
    for pk, *texts in profiles_.values_list("pk", "name", "headline").iterator():
        name, headline = (unicodedata.normalize("NFC", text) for text in texts)
        if [name, headline] != texts and max(len(name), len(headline)) <= 150:
            profiles_.filter(pk=pk).update(name=name, headline=headline)


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0004_address_field"),
    ]

    operations = [
        migrations.RunPython(compose, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="profile",
            name="headline",
            field=profiles.fields.LineField(
                blank=True,
                help_text="One line: what you do, or would like to be asked about.",
                max_length=150,
                validators=[profiles.validators.validate_printable],
            ),
        ),
        migrations.AlterField(
            model_name="profile",
            name="name",
            field=profiles.fields.LineField(
                blank=True,
                max_length=150,
                validators=[
                    profiles.validators.validate_printable,
                    profiles.validators.validate_visible,
                ],
            ),
        ),
    ]
