"""Members written in a few statements: saving them through the models takes four times as long."""

from allauth.account.models import EmailAddress
from django.db import transaction

from profiles.directory.fold import sort_key
from profiles.directory.indexing import texts_of, words_of
from profiles.directory.models import DirectoryEntry, ProfileWord, WordDeletion
from profiles.directory.near import deletions
from profiles.models import Profile, User


def write_member(email, password, *, name="", visibility="members", **fields) -> User:
    """Write the rows that User.save() and Profile.save() write; test_members.py compares them."""
    user = User(email=email, **fields)
    user.set_password(password)
    profile = Profile(user=user, name=name, visibility=visibility, sort_key=sort_key(name))
    with transaction.atomic(savepoint=False):
        User.objects.bulk_create([user])
        profile.user = user  # which has its primary key by now
        Profile.objects.bulk_create([profile])
        EmailAddress.objects.bulk_create(
            [EmailAddress(user=user, email=user.email, verified=True, primary=True)]
        )
        texts = texts_of(profile)
        DirectoryEntry.objects.bulk_create([DirectoryEntry(profile=profile, **texts._asdict())])
        if words := sorted(words_of(texts).items()):
            write_words(profile, words)
    return user


def write_words(profile, words) -> None:
    ProfileWord.objects.bulk_create(
        ProfileWord(profile=profile, word=word, for_everyone=shown) for word, shown in words
    )
    WordDeletion.objects.bulk_create(
        (WordDeletion(rest=rest, word=word) for word, _ in words for rest in deletions(word)),
        ignore_conflicts=True,
    )
