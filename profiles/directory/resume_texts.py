"""Keeps the texts of resumes true to the profiles that they belong to."""

from .fold import fold
from .words import spaced_words


def state_of(profile) -> str:
    """Return, for the owner of a resume, if members find them by its words, or why not."""
    if not profile.resume:
        return ""
    if not profile.resume_is_searched:
        return "off"
    if profile.visibility == profile.Visibility.HIDDEN:
        return "hidden"
    text = rows_of(profile).filter(source=profile.resume.name).values_list("text", flat=True)
    return {None: "unread", "": "no text"}.get(text.first(), "found")


def rows_of(profile):
    """Select the text that is kept for a profile."""
    rows = type(profile).resume_text.related.related_model._default_manager
    return rows.using(profile._state.db).filter(profile=profile.pk)


def keep_new_text(profile) -> None:
    """Store what was read in a resume that has just been saved."""
    text, profile.new_resume_text = profile.new_resume_text, None
    if text is not None and profile.resume:
        rows_of(profile).update_or_create(
            profile_id=profile.pk, defaults={"source": profile.resume.name, "text": text}
        )


def renew(rows, texts_by_profile, *, dry_run: bool) -> set[int]:
    """Fold what is outdated, and delete texts of resumes that are not there any more.

    Returns the pks of the profiles that it concerned. The profiles' rows are locked.
    """
    kept = rows.in_bulk([profile.pk for profile in texts_by_profile])
    removed, outdated = [], []
    for profile, texts in texts_by_profile.items():
        row = kept.get(profile.pk)
        if row and row.source != profile.resume.name:
            removed.append(row.pk)
        elif row and row.words != (words := words_of(texts, row.text)):
            row.words = words
            outdated.append(row)
    if not dry_run:
        if removed:
            rows.filter(pk__in=removed).delete()
        rows.bulk_create(
            outdated, update_conflicts=True, unique_fields=["profile"], update_fields=["words"]
        )
    return {*removed, *(row.pk for row in outdated)}


def words_of(texts, resume: str) -> str:
    """Return all that members may find somebody by: a search may name a person and a skill."""
    return spaced_words(*texts.members.split("\n"), fold(resume))
