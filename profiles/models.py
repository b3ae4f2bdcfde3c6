from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.validators import MaxLengthValidator
from django.db import models, router, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from portal.accounts.email_address import shown
from portal.accounts.fields import EmailAddressField
from portal.accounts.languages import LanguageField
from portal.accounts.verified_address import verify_address
from portal.files.fields import MadeFileField
from portal.files.storages import protected_media, public_media

from .access import ProfileQuerySet
from .details import (
    AudienceField,
    ContactAddressField,
    LinksField,
    PhoneField,
    SkillsField,
    validate_links,
    validate_phone,
    validate_skills,
)
from .directory import indexing
from .directory.fold import MAX_SORT_KEY, sort_key
from .directory.models import (
    DirectoryEntry,
    FoldedField,
    ProfileTag,
    ProfileWord,
    ResumeText,
    WordDeletion,
)
from .directory.resume_texts import keep_new_text
from .downloads import ResumeDownload
from .fields import LineField
from .managers import UserManager
from .uploads.avatars import AvatarField
from .uploads.pending import PendingFile
from .uploads.resumes import ResumeField
from .uploads.stored import StoredUpload
from .validators import is_printable, validate_printable, validate_visible

__all__ = [
    "DirectoryEntry",
    "PendingFile",
    "Profile",
    "ProfileTag",
    "ProfileWord",
    "ResumeDownload",
    "ResumeText",
    "StoredUpload",
    "User",
    "WordDeletion",
]

# The characters that Windows refuses in file names; no other system refuses more.
NOT_IN_FILE_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', "-"))


class User(AbstractBaseUser, PermissionsMixin):
    """A member: logs in by e-mail address, and always has a profile."""

    email = EmailAddressField(
        _("e-mail address"),
        unique=True,
        error_messages={"unique": _("A member with this e-mail address exists already.")},
    )
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Take this away instead of deleting a member who has left for a while."),
    )
    is_staff = models.BooleanField(
        _("staff"), default=False, help_text=_("May open the admin, as far as permissions go.")
    )
    leaves_at = models.DateTimeField(
        pgettext_lazy("when a member goes", "leaves"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Invisible already; deleted in the night after this."),
    )
    language = LanguageField()
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")

    def __str__(self):
        return self.shown_email

    @property
    def shown_email(self) -> str:
        """The address in the form for people, which may differ from the stored one."""
        return shown(self.email)

    def save(self, *, using=None, update_fields=None, **kwargs):
        """Save the user with a profile and a verified address, in one transaction.

        Raises DatabaseError for one who was deleted in the meantime, instead of adding them anew.
        """
        is_new = self._state.adding
        if not is_new and update_fields is None:
            kwargs.setdefault("force_update", True)
        saved = self.__dict__.keys() if update_fields is None else update_fields
        with transaction.atomic(using=using or router.db_for_write(User, instance=self)):
            super().save(using=using, update_fields=update_fields, **kwargs)
            if is_new:
                Profile.objects.using(self._state.db).get_or_create(user=self)
            if "email" in saved:
                verify_address(self)


class Profile(models.Model):
    """The details that a member shows, and to whom."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Everyone: name, headline, avatar, and details for everyone")
        MEMBERS = "members", _("Members only")
        HIDDEN = "hidden", _("Only me and the staff")

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    name = LineField(
        _("name"), max_length=150, blank=True, validators=[validate_printable, validate_visible]
    )
    headline = LineField(
        _("headline"),
        max_length=150,
        blank=True,
        validators=[validate_printable],
        help_text=_("One line: what you do, or would like to be asked about."),
    )
    bio = models.TextField(
        _("bio"),
        blank=True,
        validators=[MaxLengthValidator(4000)],
        help_text=_("Shown to logged-in members only."),
    )
    place = LineField(
        _("place"),
        max_length=100,
        blank=True,
        default="",
        validators=[validate_printable],
        help_text=_("Where you live or work, as others would look for it: Galway, Ireland."),
    )
    place_visibility = AudienceField(_("who sees the place"))
    skills = SkillsField(
        _("skills"),
        blank=True,
        default="",
        validators=[validate_skills],
        help_text=_("What you can be asked for, with commas between: peat coring, PostGIS."),
    )
    skills_visibility = AudienceField(_("who sees the skills"))
    links = LinksField(
        _("links"),
        blank=True,
        default="",
        validators=[validate_links],
        help_text=_("Addresses of pages about you or your work, one a line."),
    )
    links_visibility = AudienceField(_("who sees the links"))
    phone = PhoneField(
        _("telephone"), max_length=40, blank=True, default="", validators=[validate_phone]
    )
    phone_visibility = AudienceField(_("who sees the telephone number"))
    contact_email = ContactAddressField(
        _("e-mail address to show"),
        blank=True,
        default="",
        help_text=_("Need not be the one that you log in with, which is shown to nobody."),
    )
    contact_email_visibility = AudienceField(_("who sees the e-mail address"))
    visibility = models.CharField(
        _("visibility"),
        max_length=10,
        choices=Visibility,
        default=Visibility.MEMBERS,
        help_text=_("Who may see this profile. Resumes are for logged-in members in any case."),
    )
    use_for_tests = models.BooleanField(
        _("use my profile for tests"),
        default=False,
        db_default=False,  # the former release goes on adding members while this one is deployed
        help_text=_(
            "This site is tried out on a copy of itself, where members are replaced by "
            "people who do not exist. With this tick your profile, address, photo and resume may "
            "be there as they are, for the staff and the people who build the site."
        ),
    )
    avatar = AvatarField(
        _("avatar"),
        storage=public_media,
        upload_to="avatars",
        blank=True,
        help_text=_(
            "A photo, cut to a square and cleared of what the camera noted (place, time). "
            "Anyone who has its address can see it."
        ),
        small="avatar_small",
    )
    avatar_small = MadeFileField(storage=public_media, upload_to="avatars", editable=False)
    resume = ResumeField(
        _("resume"),
        storage=protected_media,
        upload_to="resumes",
        blank=True,
        help_text=_("PDF resume accessible only to members"),
        picture="resume_picture",
        pages="resume_pages",
        size="resume_bytes",
        text="new_resume_text",
    )
    new_resume_text = None  # of one that has just been chosen; save() moves it to ResumeText
    # Of its first page, for its owner and the staff.
    resume_picture = MadeFileField(storage=protected_media, upload_to="resumes", editable=False)
    resume_pages = models.PositiveIntegerField(null=True, editable=False)
    resume_bytes = models.PositiveIntegerField(null=True, editable=False)
    resume_is_searched = models.BooleanField(
        _("Let members find me by words in my resume"),
        default=True,
        help_text=_("Visitors never do, and nobody does while the profile is hidden."),
    )
    sort_key = FoldedField(max_length=MAX_SORT_KEY, blank=True, default="", editable=False)
    tells_openings = models.BooleanField(
        _("send me who opened my resume, once a week"),
        default=False,
        db_default=False,
        help_text=_("An e-mail with their names, in weeks in which somebody did."),
    )
    openings_told_on = models.DateField(null=True, editable=False)
    staff_note = models.TextField(
        _("note of the staff"),
        blank=True,
        default="",
        db_default="",
        validators=[MaxLengthValidator(2000)],
        help_text=_(
            "Shown to the staff alone. The member is given it with their data, as the law asks "
            "(GDPR, article 15): write what you would say to their face."
        ),
    )
    # Which of what is missing the home page does not ask for any more: names, separated by blanks.
    not_asked = models.CharField(max_length=100, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")
        indexes = [  # for the directory, and for what is new on a member's home page
            models.Index(fields=["sort_key", "id"], name="profile_by_sort_key"),
            models.Index(fields=["created_at", "id"], name="profile_by_created_at"),
            models.Index(fields=["updated_at", "id"], name="profile_by_updated_at"),
            models.Index(
                fields=["sort_key", "id"],
                name="profile_with_resume",
                condition=~models.Q(resume=""),
            ),
        ]

    def __str__(self):
        return self.name or self.user.shown_email

    def save(self, *, using=None, update_fields=None, **kwargs):
        """Save the profile, and with it what sorts and finds it."""
        self.sort_key = sort_key(self.name)
        if update_fields is not None and "name" in update_fields:
            update_fields = {*update_fields, "sort_key"}
        with transaction.atomic(using=using or router.db_for_write(Profile, instance=self)):
            super().save(using=using, update_fields=update_fields, **kwargs)
            saved = {"resume"} if update_fields is None else {*update_fields}
            if "resume" in saved:
                keep_new_text(self)
            if not (indexing.SOURCES | {"resume"}).isdisjoint(saved):
                indexing.index(Profile.objects.using(self._state.db).filter(pk=self.pk))

    def get_absolute_url(self):
        return reverse("profile", args=[self.pk])

    @property
    def resume_filename(self) -> str:
        """Return the file name to save the resume under: the owner's name, valid on any system."""
        name = "".join(filter(is_printable, self.name)) or gettext("Member")
        name = name.translate(NOT_IN_FILE_NAMES).strip(" .")
        return gettext("%(name)s - resume.pdf") % {"name": name}
