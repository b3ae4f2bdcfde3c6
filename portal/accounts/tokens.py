from django.contrib.auth.tokens import PasswordResetTokenGenerator


class AddressTokenGenerator(PasswordResetTokenGenerator):
    """Make the tokens of links to set a password, which end when the address changes.

    They are those of allauth, except that they stay valid while a new address waits for
    confirmation: until then, nothing has changed.
    """

    def _make_hash_value(self, user, timestamp):
        return super()._make_hash_value(user, timestamp) + user.email
