from django.contrib.auth.models import BaseUserManager


class UserManager(BaseUserManager):
    """A manager that creates users, who log in by their e-mail address."""

    def create_user(self, email, password=None, **fields):
        """Create a member; without a password, they can only log in after a set-password link."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        """Create a member of the staff with all rights."""
        return self.create_user(email, password, **fields, is_staff=True, is_superuser=True)

    def get_by_natural_key(self, email):
        """Find a user by an address in any of its forms."""
        return self.get(email=email)
