"""Photos and resumes of the people who take the members' places on a staging site."""

from django.conf import settings

from portal.staging import drawings
from portal.staging.chance import Chance, Row
from portal.staging.invented import address_of, name, vocabulary, word
from portal.staging.placeholders import Placeholder

from .details import split_skills

# Several members share one, as on the live site: the first are common, the last ones rare.
PLACES, COUNTRIES, SKILLS = 24, 5, 60


def photo(row: Row) -> bytes:
    return drawings.portrait(row.chance("portrait"), settings.AVATAR_PIXELS)


def small_photo(row: Row) -> bytes:
    return drawings.portrait(row.chance("portrait"), settings.AVATAR_SMALL_PIXELS)


def resume(row: Row) -> bytes:
    """Return a resume with as many pages as the row says, under the invented name."""
    return drawings.pdf(name(row, "name"), resume_text(row, resume_pages(row, "") or 1))


def first_page(row: Row) -> bytes:
    return drawings.first_page(resume_text(row, 1)[0])


def resume_text(row: Row, pages: int) -> list[list[str]]:
    return drawings.pages_of_text(row.chance("resume"), name(row, "name"), pages)


def resume_pages(row: Row, column: str) -> int | None:
    """Return as many pages as on live: the rule for their number."""
    if not row.values["resume"]:
        return None
    return min(row.values["resume_pages"] or 1, drawings.MOST_PAGES)


def resume_bytes(row: Row, column: str) -> int | None:
    """Return the size of the resume that is generated: the rule for the column that tells it."""
    return len(resume(row)) if row.values["resume"] else None


RESUME = Placeholder("resumes", ".pdf", resume)


def resume_name(row: Row, column: str) -> str:
    """Return the new name of a profile's resume: the rule for rows beside it that name it."""
    return RESUME(row.related("profile"), "resume") if row.values[column] else ""


def resume_words(row: Row, column: str) -> str:
    """Return the text that is in the generated resume of a profile."""
    if not row.values[column]:
        return ""  # as of a scan
    profile = row.related("profile")
    pages = resume_text(profile, resume_pages(profile, "") or 1)
    return "\n".join(line for page in pages for line in page)


def place(row: Row, column: str) -> str:
    """Return a town and a country that are on no map."""
    if not row.values[column]:
        return ""
    town = row.chance(column).rank_below(PLACES)
    chance, of_country = Chance("town", town), Chance("country", town % COUNTRIES)
    return f"{word(chance, 'LATIN', 7).capitalize()}, {word(of_country, 'LATIN', 6).capitalize()}"


def skills(row: Row, column: str) -> str:
    """Return as many skills as before."""
    words, chance = vocabulary("LATIN", settings.SECRET_KEY), row.chance(column)
    left = list(dict.fromkeys(each for each in words if len(each) > 4))[:SKILLS]
    count = min(len(split_skills(row.values[column])), len(left))
    return ", ".join(left.pop(chance.rank_below(len(left))) for _ in range(count))


def links(row: Row, column: str) -> str:
    """Return as many addresses as before, of pages that nobody has."""
    chance = row.chance(column)
    pages = [chance.take(6).hex() for _ in row.values[column].split()]
    return "\n".join(f"https://members.example/{page}" for page in pages)


def phone(row: Row, column: str) -> str:
    """Return one of the numbers that are reserved for drama."""
    return f"+44 1632 960{row.chance(column).below(1000):03}" if row.values[column] else ""


def contact_email(row: Row, column: str) -> object:
    """Return an address to show, which is another one than that of the account."""
    return address_of("profiles.Profile", "user_id")(row, column) if row.values[column] else ""
