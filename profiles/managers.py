from django.contrib.auth.models import BaseUserManager
from django.db import models
from django.db.models import Q

from .fields import composed


class UserManager(BaseUserManager):
    """Makes users that are known by their e-mail address."""

    def create_user(self, email, password=None, **fields):
        """Create a member; without a password she can only come in by a set-password link."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, **fields, is_staff=True, is_superuser=True)

    def get_by_natural_key(self, email):
        return self.get(email=email)


class ProfileQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The access rule: which profiles this user may see. Every view starts from here.

        Staff see all. Members see public and members-only profiles, and their own.
        Anyone else sees public ones. Profiles of inactive owners are for staff only.
        """
        if user.is_staff:
            return self
        seen = Q(visibility=self.model.Visibility.PUBLIC)
        if user.is_authenticated:
            seen |= Q(visibility=self.model.Visibility.MEMBERS) | Q(user=user)
        return self.filter(seen, user__is_active=True)

    def search(self, text):
        """Profiles in which every word of the text stands in the name or the headline."""
        found = self
        for word in composed(text).split():
            found = found.filter(Q(name__icontains=word) | Q(headline__icontains=word))
        return found
