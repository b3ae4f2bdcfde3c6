"""The society whose portal this is, in one row that the staff edit."""

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from portal.files.storages import public_media
from profiles.fields import LineField
from profiles.validators import validate_printable, validate_visible

from . import colours
from .logo import LogoField

MARKDOWN = _("Markdown: **bold**, *italic*, lists, headings and [links](https://example.org).")


def in_markdown(help_text):
    """Return a help text with the sentence about Markdown behind it."""
    return format_lazy("{} {}", help_text, MARKDOWN)


class Society(models.Model):
    """The society's own name, texts and colour. There is one row, or none on a new site."""

    name = LineField(
        _("name"),
        max_length=80,
        validators=[validate_printable, validate_visible],
        help_text=_("In the header of each page, and in e-mails."),
    )
    tagline = LineField(
        _("tagline"),
        max_length=120,
        blank=True,
        validators=[validate_printable],
        help_text=_("The heading that visitors read first."),
    )
    welcome = models.TextField(
        _("welcome"),
        blank=True,
        validators=[MaxLengthValidator(4_000)],
        help_text=in_markdown(_("What visitors are told about the society.")),
    )
    contact = LineField(
        _("contact"),
        max_length=120,
        blank=True,
        validators=[validate_printable],
        help_text=_("Whom to ask for an invitation, such as “the secretary, Ana Ruiz”."),
    )
    contact_email = models.EmailField(
        _("contact's e-mail address"), blank=True, help_text=_("Shown to everyone, as a link.")
    )
    logo = LogoField(
        _("logo"),
        storage=public_media,
        upload_to="society",
        blank=True,
        help_text=_(
            "A photo or drawing (PNG, JPEG, WebP), cleared of what a camera noted. "
            "It is put on white, so that it can be seen in dark mode, too."
        ),
    )
    accent = models.CharField(
        _("accent colour"),
        max_length=7,
        blank=True,
        validators=[colours.validate_readable],
        help_text=_("For links and buttons, such as #0b5c63. A shade of it is used in dark mode."),
    )
    privacy_notice = models.TextField(
        _("privacy notice"),
        blank=True,
        validators=[MaxLengthValidator(40_000)],
        help_text=in_markdown(_("A page of its own, linked at the foot of each page.")),
    )
    imprint = models.TextField(
        _("imprint"),
        blank=True,
        validators=[MaxLengthValidator(40_000)],
        help_text=in_markdown(_("Who is responsible for this site, as some countries ask by law.")),
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("society")
        verbose_name_plural = _("society")
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
