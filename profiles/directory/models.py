"""What the search reads. profiles/directory/indexing.py writes it, from what members write."""

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .fold import MAX_SORT_KEY
from .words import WordsField


class ByteOrder:
    """A text field mixin: PostgreSQL compares bytes, as SQLite does, whatever its own language."""

    def db_parameters(self, connection):
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class FoldedField(ByteOrder, models.CharField):
    """A short text, mostly folded, which both databases sort and compare alike."""


class DirectoryEntry(models.Model):
    """The folded texts of a profile, one for each audience; migration 0007 indexes them.

    Each text begins and ends with a space, and so does each field in it.
    """

    profile = models.OneToOneField(
        "profiles.Profile", on_delete=models.CASCADE, primary_key=True, related_name="entry"
    )
    name = models.TextField()
    headline = models.TextField()
    everyone = models.TextField(help_text="What all who may see the profile may see of it.")
    members = models.TextField(help_text="The same, and what only members may see.")
    everyone_details = models.TextField(default="", help_text="Of it, the skills and the place.")
    members_details = models.TextField(default="")

    class Meta:
        verbose_name = _("directory entry")
        verbose_name_plural = _("directory entries")

    def __str__(self):
        return self.name.strip()


# The profiles that members may find by words of the resume, as long as it is the one that was read.
FINDABLE = Q(
    resume_is_searched=True,
    visibility__in=("public", "members"),
    user__is_active=True,
    user__leaves_at=None,
)


class ResumeTextQuerySet(models.QuerySet):
    def findable(self):
        """Texts by whose words members may find somebody.

        Read from the profile at the time of the search, so that no way of removing, replacing or
        hiding a resume leaves its words behind: save(), update(), the admin or SQL.
        """
        profiles = self.model.profile.field.related_model.objects.filter(FINDABLE)
        return self.filter(profile__in=profiles, source=F("profile__resume"))


class ResumeText(models.Model):
    """The text of a profile's resume, and what members find its owner by; for members alone."""

    profile = models.OneToOneField(
        "profiles.Profile", on_delete=models.CASCADE, primary_key=True, related_name="resume_text"
    )
    source = models.CharField(max_length=200, help_text="The file's name in the storage.")
    text = models.TextField(blank=True, help_text="Empty if nothing could be read, as in a scan.")
    words = WordsField(help_text="What members may see of the profile, and the text, folded.")

    objects = ResumeTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("resume text")
        verbose_name_plural = _("resume texts")

    def __str__(self):
        return gettext("Text of %(file)s") % {"file": self.source}


class ProfileWord(models.Model):
    """A word of a profile, and the audience that may see it: for words with a typo in them."""

    profile = models.ForeignKey(
        "profiles.Profile",
        on_delete=models.CASCADE,
        related_name="words",
        db_index=False,  # the constraint's index begins with it
    )
    word = FoldedField(max_length=30)
    for_everyone = models.BooleanField()

    class Meta:
        verbose_name = _("profile word")
        verbose_name_plural = _("profile words")
        constraints = [
            models.UniqueConstraint(fields=["profile", "word"], name="word_once_a_profile")
        ]
        indexes = [models.Index(fields=["word", "profile"], name="profile_by_word")]

    def __str__(self):
        return self.word


class ProfileTag(models.Model):
    """A skill or a place of a profile, by which the list is filtered, and who may see it.

    A place has a row for each of its parts as well: "Uppsala, Sweden" is in Sweden.
    """

    class Kind(models.TextChoices):
        PLACE = "place"
        SKILL = "skill"

    profile = models.ForeignKey(
        "profiles.Profile",
        on_delete=models.CASCADE,
        related_name="tags",
        db_index=False,  # the constraint's index begins with it
    )
    kind = models.CharField(max_length=5, choices=Kind)
    key = FoldedField(max_length=MAX_SORT_KEY)
    label = FoldedField(max_length=100, help_text="As its owner writes it.")
    for_everyone = models.BooleanField()

    class Meta:
        verbose_name = _("profile tag")
        verbose_name_plural = _("profile tags")
        constraints = [
            models.UniqueConstraint(fields=["profile", "kind", "key"], name="tag_once_a_profile")
        ]
        indexes = [models.Index(fields=["kind", "key", "profile"], name="profile_by_tag")]

    def __str__(self):
        return self.label


class WordDeletion(models.Model):
    """A word, and the start of it without one or two of its letters: see near.py."""

    rest = FoldedField(max_length=7)
    word = FoldedField(max_length=30)

    class Meta:
        verbose_name = _("word deletion")
        verbose_name_plural = _("word deletions")
        constraints = [models.UniqueConstraint(fields=["rest", "word"], name="deletion_once")]

    def __str__(self):
        return f"{self.rest} of {self.word}"


def unindexed(using=None):
    """Select the profiles that the search cannot find, such as those written by bulk_create()."""
    return profiles(using).filter(entry=None)


def unread(using=None):
    """Select the profiles whose resume was stored before its text was read, or past save()."""
    is_read = ResumeText.objects.filter(profile=OuterRef("pk"), source=OuterRef("resume"))
    return profiles(using).exclude(resume="").exclude(Exists(is_read))


def profiles(using):
    return ResumeText._meta.get_field("profile").related_model._default_manager.using(using)
