from django.contrib.auth.tokens import PasswordResetTokenGenerator


class AddressTokenGenerator(PasswordResetTokenGenerator):
    """Makes the tokens of links to set a password, which end when the address changes.

    They differ from allauth's in one thing: they stay valid while a new address waits for
    confirmation. Django's have the address in them already; a second time it is there for links of
    release 1.0, which members may hold for weeks.
    """

    def _make_hash_value(self, user, timestamp):
        return super()._make_hash_value(user, timestamp) + user.email
