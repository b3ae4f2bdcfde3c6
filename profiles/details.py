"""Model fields for what members may tell of themselves: skills, links and ways of contact."""

import re
import unicodedata
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.accounts.fields import EmailAddressField

from .access import Audience
from .directory.fold import fold
from .fields import LineField, composed
from .validators import is_printable, validate_printable

MAX_SKILLS, MAX_SKILL = 20, 40  # their number, and the letters of one
BETWEEN_SKILLS = re.compile("[,;\n\u060c\u3001\uff0c\uff1b]")  # those of Arabic and Chinese as well
MAX_LINKS, MAX_LINK = 10, 300
PHONE = re.compile(r"\+?[0-9 ()./-]+((ext\.?|x) ?[0-9]+)?", re.IGNORECASE)
MIN_DIGITS, MAX_DIGITS = 5, 20
DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-"))
SCHEME = re.compile(r"[a-z][a-z0-9+-]*:", re.IGNORECASE)


class AudienceField(models.CharField):
    """Who sees the field that stands before it: its owner's choice, which a form may leave out."""

    def __init__(self, *args, **kwargs):
        fixed = {"max_length": 10, "choices": Audience, "default": Audience.MEMBERS}
        super().__init__(*args, **{**kwargs, **fixed})

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        del kwargs["choices"], kwargs["default"], kwargs["max_length"]
        return name, path, args, kwargs

    def pre_save(self, model_instance, add):
        if not getattr(model_instance, self.attname):  # a form was sent without a choice
            setattr(model_instance, self.attname, Audience.NOBODY)
        return super().pre_save(model_instance, add)

    def formfield(self, **kwargs):
        return super().formfield(**{"required": False, **kwargs})


def split_skills(text: str) -> list[str]:
    """Return the skills of a comma-separated text, each once, however it is written."""
    skills = {}
    for part in BETWEEN_SKILLS.split(text):
        if skill := " ".join(part.split()):
            skills.setdefault(fold(skill) or skill, skill)
    return list(skills.values())


class SkillsField(LineField):
    """Skills, stored as a text with commas between them; the directory has a row for each."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_length": MAX_SKILLS * (MAX_SKILL + 2), **kwargs})

    def to_python(self, value):
        value = super().to_python(value)
        return ", ".join(split_skills(value)) if isinstance(value, str) else value

    def formfield(self, **kwargs):
        # Counted in skills, by the validators, rather than in letters.
        return super().formfield(**{"max_length": None, **kwargs})


def validate_skills(text):
    """Refuse too many skills, or a sentence that is none."""
    skills = split_skills(text)
    if len(skills) > MAX_SKILLS:
        raise ValidationError(
            _("Please give at most %(most)s skills; these are %(count)s."),
            params={"most": MAX_SKILLS, "count": len(skills)},
        )
    for skill in skills:
        validate_printable(skill)
        if len(skill) > MAX_SKILL:
            raise ValidationError(
                _(
                    "“%(skill)s…” is long for one skill. Please put commas between skills; "
                    "each may have %(most)s letters."
                ),
                params={"skill": skill[:MAX_SKILL], "most": MAX_SKILL},
            )


class LinksField(models.TextField):
    """Addresses of pages, stored one a line and with their scheme."""

    def to_python(self, value):
        value = super().to_python(value)
        if not isinstance(value, str):
            return value
        return "\n".join(dict.fromkeys(map(with_scheme, composed(value).split())))

    def get_prep_value(self, value):
        return self.to_python(super().get_prep_value(value))


def with_scheme(address: str) -> str:
    """Return an address as people type it as one that a browser opens."""
    return address if SCHEME.match(address) else f"https://{address}"


validate_address = URLValidator(schemes=["http", "https"])


def validate_links(text):
    """Refuse what is no page of the web, and addresses that look like another site's."""
    links = text.split()
    if len(links) > MAX_LINKS:
        raise ValidationError(
            _("Please give at most %(most)s links; these are %(count)s."),
            params={"most": MAX_LINKS, "count": len(links)},
        )
    for link in links:
        if not is_link(link):
            raise ValidationError(
                _(
                    "“%(link)s” is not the address of a page. It begins with https:// or http://; "
                    "please write one a line."
                ),
                params={"link": link[:MAX_LINK]},
            )


def is_link(link: str) -> bool:
    """Return True for an address that a page may link to."""
    try:
        validate_address(link)
    except ValidationError:
        return False
    is_whole = len(link) <= MAX_LINK and all(map(is_printable, link))
    return is_whole and "@" not in urlsplit(link).netloc  # https://bank.example@thief.example


def link_label(link: str) -> str:
    """Return what to show of a link: the host, and where it leads there."""
    parts = urlsplit(link)
    return parts.netloc.removeprefix("www.") + parts.path.rstrip("/")


class PhoneField(LineField):
    """A telephone number, stored as it is written, with digits that every telephone has."""

    def to_python(self, value):
        value = super().to_python(value)
        return plain_number(value) if isinstance(value, str) else value


def plain_number(text: str) -> str:
    """Write the digits of other alphabets as 0 to 9, dashes as -, and nothing that is invisible."""
    number = "".join(
        str(unicodedata.digit(each)) if each.isdigit() else each
        for each in unicodedata.normalize("NFKC", text.translate(DASHES))
        if unicodedata.category(each) != "Cf"
    )
    return " ".join(number.split())


def validate_phone(text):
    """Refuse what cannot be dialled."""
    digits = sum(map(str.isdigit, text))
    if not PHONE.fullmatch(text) or not MIN_DIGITS <= digits <= MAX_DIGITS:
        raise ValidationError(_("Please write a telephone number, such as +44 1632 960961."))


def dialled(phone: str) -> str:
    """Return what a link dials: the digits, and an extension after a pause."""
    number, _, extension = re.sub(r"[^0-9+x]", "", phone.lower().replace("ext", "x")).partition("x")
    return f"{number};ext={extension}" if extension else number


class ContactAddressField(EmailAddressField):
    """An e-mail address to show, which may be left empty."""

    def pre_save(self, model_instance, add):
        if not getattr(model_instance, self.attname):
            return ""
        return super().pre_save(model_instance, add)

    def get_db_prep_save(self, value, connection):
        return super().get_db_prep_save(value, connection) if value else ""
