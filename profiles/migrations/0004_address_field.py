from django.db import migrations

import portal.accounts.fields


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0003_canonical_addresses"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="user",
            name="email_unique_whatever_the_case",
        ),
        migrations.AlterField(
            model_name="user",
            name="email",
            field=portal.accounts.fields.EmailAddressField(
                error_messages={"unique": "A member with this e-mail address exists already."},
                max_length=254,
                unique=True,
                verbose_name="e-mail address",
            ),
        ),
    ]
