"""The rows of each table, as the admin and its history name them."""

import pytest
from django.apps import apps

from profiles import models
from profiles.batches.models import BatchFile
from profiles.directory.resume_texts import state_of
from profiles.invitations.models import PASTED, Invitation, InvitationList
from profiles.models import (
    DirectoryEntry,
    PendingFile,
    Profile,
    ProfileTag,
    ProfileWord,
    ResumeDownload,
    ResumeText,
    StoredUpload,
    User,
    WordDeletion,
)
from profiles.privacy.models import Departure

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ADA = Profile(name="Ada", user=User(email="ada@xn--bcher-kva.example"))
NAMELESS = Profile(user=User(email="ada@xn--bcher-kva.example"))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (ADA, "Ada"),
        (NAMELESS, "ada@bücher.example"),
        (NAMELESS.user, "ada@bücher.example"),
        (DirectoryEntry(name=" ada lovelace "), "ada lovelace"),
        (ProfileWord(word="peat"), "peat"),
        (ProfileTag(kind="skill", key="gis", label="GIS"), "GIS"),
        (WordDeletion(rest="pet", word="peat"), "pet of peat"),
        (ResumeText(source="resumes/x.pdf"), "Text of resumes/x.pdf"),
        (PendingFile(name="resumes/x.pdf"), "resumes/x.pdf"),
        (StoredUpload(pk=7, purpose="avatar"), "photo 7"),
        (StoredUpload(pk=7, purpose="resume"), "resume 7"),
        (
            ResumeDownload(profile=ADA, member=NAMELESS.user),
            "ada@bücher.example opened the resume of Ada",
        ),
        (ResumeDownload(profile=ADA), "A former member opened the resume of Ada"),
        (Invitation(user=NAMELESS.user), "ada@bücher.example"),
        (InvitationList(title="members.csv"), "members.csv"),
        (InvitationList(title=PASTED), "Pasted lines"),
        (BatchFile(filename="ada.jpg"), "ada.jpg"),
        (Departure(digest="0123456789abcdef" * 4), "0123456789ab"),
    ],
)
def test_a_row_in_words(row, words):
    assert str(row) == words


def test_all_tables_of_members_are_imported_from_one_module():
    of_app = apps.get_app_config("profiles").get_models()

    assert sorted(models.__all__) == sorted(model.__name__ for model in of_app)


def test_the_state_of_a_resume_is_told_by_its_own_text(owner, member):
    ResumeText.objects.filter(profile=owner.profile).delete()
    source = owner.profile.resume.name
    ResumeText.objects.create(profile=member.profile, source=source, text="Tides")
    assert state_of(owner.profile) == "unread"

    ResumeText.objects.create(profile=owner.profile, source=source, text="")
    assert state_of(owner.profile) == "no text"
