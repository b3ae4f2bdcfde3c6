"""The society whose portal this is, in one row that the staff edit."""

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models

from portal.files.storages import public_media
from profiles.fields import LineField
from profiles.validators import validate_printable, validate_visible

from . import colours
from .logo import LogoField

MARKDOWN = "Markdown: **bold**, *italic*, lists, headings and [links](https://example.org)."


class Society(models.Model):
    """The society's own name, texts and colour. There is one row, or none on a new site."""

    name = LineField(
        max_length=80,
        validators=[validate_printable, validate_visible],
        help_text="In the header of each page, and in e-mails.",
    )
    tagline = LineField(
        max_length=120,
        blank=True,
        validators=[validate_printable],
        help_text="The heading that visitors read first.",
    )
    welcome = models.TextField(
        blank=True,
        validators=[MaxLengthValidator(4_000)],
        help_text=f"What visitors are told about the society. {MARKDOWN}",
    )
    contact = LineField(
        max_length=120,
        blank=True,
        validators=[validate_printable],
        help_text="Whom to ask for an invitation, such as “the secretary, Ana Ruiz”.",
    )
    contact_email = models.EmailField(
        "contact's e-mail address", blank=True, help_text="Shown to everyone, as a link."
    )
    logo = LogoField(
        storage=public_media,
        upload_to="society",
        blank=True,
        help_text="A photo or drawing (PNG, JPEG, WebP), cleared of what a camera noted. "
        "It is put on white, so that it can be seen in dark mode, too.",
    )
    accent = models.CharField(
        "accent colour",
        max_length=7,
        blank=True,
        validators=[colours.validate_readable],
        help_text="For links and buttons, such as #0b5c63. A shade of it is used in dark mode.",
    )
    privacy_notice = models.TextField(
        blank=True,
        validators=[MaxLengthValidator(40_000)],
        help_text=f"A page of its own, linked at the foot of each page. {MARKDOWN}",
    )
    imprint = models.TextField(
        blank=True,
        validators=[MaxLengthValidator(40_000)],
        help_text=f"Who is responsible for this site, as some countries ask by law. {MARKDOWN}",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "society"
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="there_is_one_society")
        ]

    def __str__(self):
        return self.name

    def save(self, **kwargs):
        """Save the one row, and have this process read it again."""
        from .current import forget

        self.pk = 1
        super().save(**kwargs)
        forget()

    @classmethod
    def unnamed(cls):
        """The society of a new site, which has only the environment's name for it."""
        return cls(name=settings.SITE_NAME)

    @property
    def look(self) -> str:
        """The part of the style sheet's address that names the colour, or nothing."""
        return colours.look(self.accent) if self.accent else ""
