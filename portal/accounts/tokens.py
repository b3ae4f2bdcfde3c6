from django.contrib.auth.tokens import PasswordResetTokenGenerator


class AddressTokenGenerator(PasswordResetTokenGenerator):
    """Makes the tokens of links to set a password, which end when the address changes.

    They differ from allauth's in one thing: they stay valid while a new address waits for
    confirmation.
    """

    def _make_hash_value(self, user, timestamp):
        return super()._make_hash_value(user, timestamp) + user.email
