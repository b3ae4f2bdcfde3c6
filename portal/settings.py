"""Settings of the members portal. All that differs between deployments is in the environment.

.env.example lists every variable with a comment; docs/deploying.md explains how to deploy.
This is the only module that makes an Environment (portal/environment.py), in which each kind of
variable has a shape; portal/storage_settings.py makes buckets of the variables about S3.
"""

from pathlib import Path

import django
from csp.constants import NONE, SELF
from django.conf import global_settings

from .environment import Environment
from .storage_settings import storage_settings

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent

# The default is production on a dyno, and development anywhere else.
ON_HEROKU = bool(env.value("DYNO"))
SITE_ENVIRONMENT = env.choice(
    "SITE_ENVIRONMENT",
    ["development", "staging", "production"],
    "production" if ON_HEROKU else "development",
)
IS_DEVELOPMENT = SITE_ENVIRONMENT == "development"

# Until the staff have named the society in the admin. SITE_NAME_SOURCE returns the name by then.
SITE_NAME = env.text("SITE_NAME", "Our society", most=80)
SITE_NAME_SOURCE = "profiles.society.current.name"

DEBUG = env.flag("DEBUG", IS_DEVELOPMENT)
if DEBUG and not IS_DEVELOPMENT:
    env.refuse("DEBUG must be off outside development: its error pages show settings to anyone.")

development_key = "insecure-and-public-for-development-only"
SECRET_KEY = env.required("SECRET_KEY", development_key if IS_DEVELOPMENT else None)
# Former keys: sessions and links that they signed stay valid until they expire.
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS")
if not IS_DEVELOPMENT:
    env.refuse_weak("SECRET_KEY", [SECRET_KEY] if SECRET_KEY else [])
    env.refuse_weak("SECRET_KEY_FALLBACKS", SECRET_KEY_FALLBACKS)
    if development_key in {SECRET_KEY, *SECRET_KEY_FALLBACKS}:
        env.refuse(
            "SECRET_KEY and SECRET_KEY_FALLBACKS must not hold development's key: it is public."
        )

default_hosts: list[str] | None
if IS_DEVELOPMENT:
    default_hosts = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
elif ON_HEROKU:
    # Heroku's router passes on only hosts of the app; a system check asks for the real name.
    default_hosts = [".herokuapp.com"]
else:
    default_hosts = None
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default_hosts, may_be_any=IS_DEVELOPMENT)

INSTALLED_APPS = [
    "profiles",
    "profiles.invitations.apps.InvitationsConfig",
    "profiles.batches.apps.BatchesConfig",
    "profiles.society.apps.SocietyConfig",
    "profiles.privacy.apps.PrivacyConfig",
    "profiles.desk.apps.DeskConfig",
    "portal.apps.PortalConfig",
    "portal.files",
    "portal.buckets",
    "portal.exposure",
    "portal.staging",
    "portal.observability",
    "portal.outbox",
    "portal.accounts",
    "portal.apps.PortalAdminConfig",  # Django's admin behind a second factor
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_cleanup.apps.CleanupConfig",  # last, as its docs ask: it reads the models of all apps
]

MIDDLEWARE = [
    "portal.observability.request_log.log_requests",  # first, to see what the others refuse
    "portal.postgresql.middleware.limit_waits",  # before all that query the database
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.content_security_policy",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",  # before what may refuse a request
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",  # before what may answer with a page
    "django.middleware.common.CommonMiddleware",
    "profiles.languages.MembersLanguageMiddleware",  # before the views of all that follow
    "portal.request_bodies.drop_failed_uploads",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.sent_again.keep_forms_of_ended_sessions",
    "allauth.account.middleware.AccountMiddleware",
    "profiles.privacy.middleware.LeaversMiddleware",
    "portal.middleware.private_pages",
    "portal.middleware.page_for_wrong_method",
    "portal.files.middleware.StorageFailureMiddleware",
    "portal.accounts.middleware.AtomicAccountsMiddleware",  # last, as it calls the view
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "portal.context_processors.site",
                "profiles.society.context.society",
            ],
            "libraries": {"i18n": "portal.formats.translate_tag"},  # Django's, and faster
        },
    },
]

# Database: PostgreSQL, and in development SQLite by default.
if IS_DEVELOPMENT:
    database = env.database("DATABASE_URL", f"sqlite:///{BASE_DIR}/db.sqlite3", may_be_sqlite=True)
else:
    database = env.database("DATABASE_URL", may_be_sqlite=False)
DATABASES = {"default": database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The cache holds the log-in throttle, which all dynos must share: a table that the release creates.
# Development has Django's default, the memory of the process.
if not IS_DEVELOPMENT:
    CACHES = {
        "default": {
            "BACKEND": "portal.postgresql.cache.SharedCache",
            "LOCATION": "portal_cache",
            "OPTIONS": {"MAX_ENTRIES": 1_000},  # with more, each write deletes expired ones first
        }
    }

# Accounts: by invitation, with the e-mail address as the name for the log-in.
AUTH_USER_MODEL = "profiles.User"
AUTHENTICATION_BACKENDS = ["portal.accounts.backends.AddressBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "portal.accounts.passwords.LengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
MAX_PASSWORD_CHARACTERS = 1_000  # a longer one is refused before it is hashed
# Invitations are read on the day after the holidays; resets keep Django's three days.
INVITATION_DAYS = env.number("INVITATION_DAYS", 14, least=1, most=365)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "portal.accounts.adapter.InvitationOnlyAdapter"
ACCOUNT_FORMS = {
    "login": "portal.accounts.forms.LoginForm",
    "reauthenticate": "portal.accounts.forms.ReauthenticateForm",
    "reset_password": "portal.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "portal.accounts.forms.ResetPasswordKeyForm",
    "change_password": "portal.accounts.forms.ChangePasswordForm",
    "set_password": "portal.accounts.forms.SetPasswordForm",
}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "portal.accounts.tokens.AddressTokenGenerator"  # noqa: S105
ACCOUNT_RATE_LIMITS = {
    "confirm_email": "3/5m/key",  # links to one new address, for one member
    "sent_again": "10/h/ip",  # forms that are kept until the log-in
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # of the first address, for which the staff vouch
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_CHANGE_EMAIL = True  # at most one address waits for confirmation
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # other sessions end in any case, this one stays
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True  # after the second factor, if there is one
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if IS_DEVELOPMENT else "https"
ALLAUTH_TRUSTED_PROXY_COUNT = env.number(
    "TRUSTED_PROXY_COUNT", 1 if ON_HEROKU else 0, least=0, most=10
)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ADAPTER = "portal.accounts.adapter.NamedMFAAdapter"
# The staff vouch for addresses, so a second factor can be set up without a confirmed one.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = IS_DEVELOPMENT
ADMIN_NEEDS_SECOND_FACTOR = not IS_DEVELOPMENT
SESSION_ENGINE = "portal.accounts.sessions"  # in the database
SESSION_COOKIE_AGE = 14 * 24 * 60 * 60  # seconds: two weeks, counted from the log-in

# Languages, each in its own words. The first is the one that all texts are written in.
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
# Of messages to members who have not chosen one, and of visitors whose browsers ask for none.
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", [code for code, _ in LANGUAGES], "en-gb")
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "portal.formats"  # of dates; Django has those of other languages
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60  # seconds
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

# E-mail. Messages are written into the outbox with the change that they are about, and delivered
# outside of requests. Without EMAIL_URL development prints them at once; elsewhere they wait.
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "portal.outbox.backend.EmailBackend"}}
else:
    EMAIL_BACKEND = "portal.outbox.backend.EmailBackend"
EMAIL_CONFIGURED = bool(env.value("EMAIL_URL"))
if EMAIL_CONFIGURED:
    OUTBOX_BACKEND, OUTBOX_OPTIONS = env.mail_server("EMAIL_URL", may_be_none=IS_DEVELOPMENT)
elif IS_DEVELOPMENT:
    OUTBOX_BACKEND, OUTBOX_OPTIONS = "django.core.mail.backends.console.EmailBackend", {}
else:
    OUTBOX_BACKEND, OUTBOX_OPTIONS = None, {}
OUTBOX_AT_ONCE = IS_DEVELOPMENT and not EMAIL_CONFIGURED
OUTBOX_IN_WEB = env.flag("OUTBOX_IN_WEB", True)  # off where send_outbox runs beside the web
DEFAULT_FROM_EMAIL = env.mailbox("DEFAULT_FROM_EMAIL", "webmaster@localhost")

# Files: uploads on a local disk, without S3, and the assets that collectstatic builds, always.
MEDIA_ROOT = env.directory("MEDIA_ROOT", BASE_DIR / "var")
STATIC_ROOT = env.directory("STATIC_ROOT", BASE_DIR / "staticfiles")
if MEDIA_ROOT.resolve().is_relative_to(STATIC_ROOT.resolve()):
    env.refuse("MEDIA_ROOT must not lie within STATIC_ROOT, of which all files are public.")
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Development needs no collectstatic, even with DEBUG off.
WHITENOISE_USE_FINDERS = IS_DEVELOPMENT
WHITENOISE_MANIFEST_STRICT = not IS_DEVELOPMENT

# Files: buckets, prefixes and keys, made of the variables about S3.
files = storage_settings(env, is_development=IS_DEVELOPMENT, media_root=MEDIA_ROOT)
STORAGES, MEDIA_URL, AWS_AVAILABLE = files["STORAGES"], files["MEDIA_URL"], files["AWS_AVAILABLE"]
LIVE_STORAGES = files["LIVE_STORAGES"]  # of the live site, which a staging copy reads
S3_REQUIRED, LIVE_REQUIRED = files["S3_REQUIRED"], files["LIVE_REQUIRED"]  # as messages name them
S3_VARIABLES = files["S3_VARIABLES"]
FILES_FOLDER = S3_VARIABLES["FILES_FOLDER"]
AWS_S3_ENDPOINT_URL = S3_VARIABLES["AWS_S3_ENDPOINT_URL"]
BATCH_ROLE_ARN = S3_VARIABLES["BATCH_ROLE_ARN"]
BATCH_REPORT_PREFIX = S3_VARIABLES["BATCH_REPORT_PREFIX"]

# Files: how long links and caches are valid, and the limits to uploads.
PROTECTED_URL_SECONDS = env.number("PROTECTED_URL_SECONDS", 600, least=1, most=604_800)
MEDIA_CACHE_SECONDS = env.number("MEDIA_CACHE_SECONDS", 86_400, least=0, most=31_536_000)
AVATAR_PIXELS, AVATAR_SMALL_PIXELS = 512, 96
AVATAR_MAX_BYTES = env.number("AVATAR_MAX_BYTES", 20_000_000, least=1, most=1_000_000_000)
RESUME_MAX_BYTES = env.number("RESUME_MAX_BYTES", 10_485_760, least=1, most=1_000_000_000)
UPLOAD_KEPT_SECONDS = 60 * 60  # what was chosen waits so long for its form to be saved
UPLOADS_KEPT, STAFF_UPLOADS_KEPT = 40, 2000  # for each person at a time
UPLOAD_MAX_BODY_BYTES = 3 * (AVATAR_MAX_BYTES + RESUME_MAX_BYTES) // 2
FILE_UPLOAD_HANDLERS = ["portal.request_bodies.BodyLimit", *global_settings.FILE_UPLOAD_HANDLERS]
DATA_UPLOAD_MAX_NUMBER_FILES = 10
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # the admin names each of the members to be deleted

# Privacy: the days in which members who leave can come back, and for which openings are recorded.
LEAVING_DAYS = env.number("LEAVING_DAYS", 14, least=1, most=365)
OPENINGS_KEPT_DAYS = env.number("OPENINGS_KEPT_DAYS", 365, least=1, most=3650)

# What scrub_members removes from a copy of the live database: a decision for every column.
SCRUB_RULES = "profiles.scrub_rules.RULES"
SWEEP_GUARD = "portal.staging.identity.refuse_foreign_files"  # asked before sweep_media deletes

# Security: HTTPS behind a proxy, which sets X-Forwarded-Proto and drops that of a client. Django's
# defaults forbid frames, and keep referrers and cookies on this site (X_FRAME_OPTIONS and others).
SECURE_SSL_REDIRECT = not IS_DEVELOPMENT
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes use the IP address, and plain http
SECURE_PROXY_SSL_HEADER = None if IS_DEVELOPMENT else ("HTTP_X_FORWARDED_PROTO", "https")
hsts_seconds = env.number("SECURE_HSTS_SECONDS", 31_536_000, least=0, most=315_360_000)
SECURE_HSTS_SECONDS = 0 if IS_DEVELOPMENT else hsts_seconds
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.flag("SECURE_HSTS_PRELOAD", False)
# HSTS for sister domains and preload lists is the operator's decision, so these checks are off.
# The tags of TEMPLATES for languages have the name of Django's, in whose place they are.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", "templates.W003"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_DEVELOPMENT
CSRF_COOKIE_HTTPONLY = True
if not IS_DEVELOPMENT:  # the prefix makes browsers refuse cookies that a sister domain has set
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    LANGUAGE_COOKIE_SECURE = True
CSRF_FAILURE_VIEW = "portal.sent_again.csrf_failure"

# Content may come from this site and from the buckets above, and from nowhere else.
csp = files["CSP_SOURCES"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, *csp["assets"]],
        "style-src": [SELF, *csp["assets"]],
        "img-src": [SELF, "data:", *csp["default"], *csp["assets"], *csp["protected"]],
        "font-src": [SELF, *csp["assets"]],
        "connect-src": [SELF],
        # The log-in may redirect to a resume, and browsers apply this to redirects of forms, too.
        "form-action": [SELF, *csp["protected"]],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY = {
    feature: []
    for feature in (
        "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen",
        "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb",
    )
} | {"publickey-credentials-create": "self", "publickey-credentials-get": "self"}  # fmt: skip

# Logs: a line for each request on standard output, all other lines on standard error, so that the
# output of a command can be read by a program.
LOG_FORMAT = env.choice(
    "LOG_FORMAT", ["logfmt", "json", "plain"], "plain" if IS_DEVELOPMENT else "logfmt"
)
line = {"formatter": "line", "filters": ["redact_links"]}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact_links": {"()": "portal.observability.logs.RedactLinks"}},
    "formatters": {"line": {"()": "portal.observability.logs.formatter", "log_format": LOG_FORMAT}},
    "handlers": {
        "requests": line | {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
        "console": line
        | {"class": "portal.observability.logs.Console", "stream": "ext://sys.stderr"},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "portal.observability.request_log": {"handlers": ["requests"], "propagate": False},
        "gunicorn.error": {"handlers": ["console"], "propagate": False},  # level: gunicorn's own
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.utils.autoreload": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
    },
}

# The steps of manage.py nightly, in order: commands, and functions that return a report.
NIGHTLY = [
    "clearsessions",
    "delete_expired_uploads",
    "profiles.batches.models.delete_old_reports",
    "profiles.invitations.models.delete_expired_lists",
    "profiles.privacy.deletion.delete_leavers",
    "profiles.invitations.inviting.forget_former_members",
    "profiles.privacy.openings.delete_old",
    "profiles.weekly_openings.tell_owners",
    "portal.accounts.ended_sessions.remove_records",
    "portal.outbox.leftovers.remove_old_messages",
    "index_profiles",
]

# Errors are also sent to Sentry, which is imported only with a DSN (observability/sentry.py).
SENTRY_DSN = env.sentry_dsn("SENTRY_DSN")
SENTRY_RELEASE = env.version("SENTRY_RELEASE") or env.version("HEROKU_BUILD_COMMIT")

# Without S3 a site is built, as the first time a button deploys it, and is not released (E001). If
# other variables are missing too, all of them are named at once.
if env.refusals and not IS_DEVELOPMENT and not any(S3_REQUIRED.values()):
    env.refuse(f"S3 is not configured: also set {', '.join(S3_REQUIRED)}.")
env.finish()
