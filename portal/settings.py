"""Settings of the members portal. Everything that differs between deployments is environment.

.env.example lists every variable with a comment; docs/deploying.md tells how to deploy.
This is the only module that reads the environment (through portal/environment.py).
"""

from pathlib import Path

from csp.constants import NONE, SELF
from environs import validate

from .environment import Environment
from .s3.addresses import public_address

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent

# A dyno is production unless it says otherwise; a laptop is not.
ON_HEROKU = env.str("DYNO", None) is not None
SITE_ENVIRONMENT = env.str("SITE_ENVIRONMENT", "production" if ON_HEROKU else "development")
if SITE_ENVIRONMENT not in {"development", "staging", "production"}:
    env.refuse("SITE_ENVIRONMENT must be development, staging or production.")
IS_DEVELOPMENT = SITE_ENVIRONMENT == "development"

SITE_NAME = env.str("SITE_NAME", "The Meridian Society")

DEBUG = env.bool("DEBUG", IS_DEVELOPMENT)
if DEBUG and not IS_DEVELOPMENT:
    env.refuse("DEBUG must be off outside development: its error pages show settings to strangers.")

if IS_DEVELOPMENT:
    SECRET_KEY = env.str("SECRET_KEY", "insecure-and-public-for-development-only")
else:
    SECRET_KEY = env.str("SECRET_KEY")
    if SECRET_KEY and len(SECRET_KEY) < 32:
        env.refuse("SECRET_KEY must have at least 32 characters.")
# Former keys: what they signed (sessions, links, set-password mails) stays good until it expires.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", [])

if IS_DEVELOPMENT:
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", ".localhost", "127.0.0.1", "[::1]"])
elif ON_HEROKU:
    # Heroku's router delivers only hosts that are bound to the app; a check asks for the real name.
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [".herokuapp.com"])
else:
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
if not IS_DEVELOPMENT and any(host.strip() in {"*", "."} for host in ALLOWED_HOSTS or []):
    env.refuse("ALLOWED_HOSTS must name the site's hosts; * would let anyone forge links in mails.")

INSTALLED_APPS = [
    "profiles",
    "portal.apps.PortalConfig",
    "portal.files",
    "portal.buckets",
    "portal.exposure",
    "portal.staging",
    "portal.observability",
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
    "django_cleanup.apps.CleanupConfig",  # last, as it asks: it looks at everybody's models
]

MIDDLEWARE = [
    "portal.observability.request_log.log_requests",  # first, to see what the others refuse
    "portal.postgresql.middleware.limit_waits",  # before whatever asks the database
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.request_bodies.drop_failed_uploads",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "portal.middleware.private_pages",
    "portal.files.middleware.StorageFailureMiddleware",
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
                "portal.context_processors.site",
            ],
        },
    },
]

# Database: PostgreSQL wherever people depend on it.
if IS_DEVELOPMENT:
    database = env.database("DATABASE_URL", f"sqlite:///{BASE_DIR}/db.sqlite3", may_be_sqlite=True)
else:
    database = env.database("DATABASE_URL", ..., may_be_sqlite=False)
DATABASES = {"default": database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The cache holds the log-in throttle, which all dynos must share: a table, made by the release.
if IS_DEVELOPMENT:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
else:
    CACHES = {
        "default": {
            "BACKEND": "portal.postgresql.cache.SharedCache",
            "LOCATION": "portal_cache",
            "OPTIONS": {"MAX_ENTRIES": 1_000},  # with more, each write deletes expired ones first
        }
    }

# Accounts: by invitation, known by e-mail address.
AUTH_USER_MODEL = "profiles.User"
AUTHENTICATION_BACKENDS = ["portal.accounts.backends.AddressBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "portal.accounts.passwords.LengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
MAX_PASSWORD_CHARACTERS = 1_000  # more is refused before it is hashed
# Invitations are read on the day after the holidays; resets keep Django's three days.
INVITATION_DAYS = env.int("INVITATION_DAYS", 14, validate=validate.Range(1, 365))
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
ACCOUNT_RATE_LIMITS = {"confirm_email": "3/5m/key"}  # links to one new address, for one member
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # of the first address, for which the staff vouch
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_CHANGE_EMAIL = True  # at most one address waits for confirmation
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"{SITE_NAME}: "
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # other sessions end in any case, this one stays
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if IS_DEVELOPMENT else "https"
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 1 if ON_HEROKU else 0)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = SITE_NAME
MFA_ALLOW_UNVERIFIED_EMAIL = (
    True  # the staff vouch for addresses; a second factor waits for no mail
)
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = IS_DEVELOPMENT
ADMIN_NEEDS_SECOND_FACTOR = not IS_DEVELOPMENT
SESSION_COOKIE_AGE = 14 * 24 * 60 * 60  # seconds: two weeks, counted from the log-in

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

# E-mail. Without EMAIL_URL a laptop prints mails, and a deployed site sends none and says so.
EMAIL_CONFIGURED = env.str("EMAIL_URL", None) is not None
if EMAIL_CONFIGURED:
    email = env.dj_email_url("EMAIL_URL") or {}
    EMAIL_BACKEND = email.get("EMAIL_BACKEND")
    EMAIL_HOST = email.get("EMAIL_HOST")
    EMAIL_PORT = email.get("EMAIL_PORT")
    EMAIL_HOST_USER = email.get("EMAIL_HOST_USER")
    EMAIL_HOST_PASSWORD = email.get("EMAIL_HOST_PASSWORD")
    EMAIL_USE_TLS = email.get("EMAIL_USE_TLS", False)
    EMAIL_USE_SSL = email.get("EMAIL_USE_SSL", False)
elif IS_DEVELOPMENT:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "webmaster@localhost")

# Files. Where S3 is: the plain names, or else those of an add-on. Add-ons lend part of a bucket
# of theirs, of which only what lies below public/ may be opened to strangers.
AWS_STORAGE_BUCKET_NAME = env.str("AWS_STORAGE_BUCKET_NAME", None)
AWS_ACCESS_KEY_ID = env.str("AWS_ACCESS_KEY_ID", None)
AWS_SECRET_ACCESS_KEY = env.str("AWS_SECRET_ACCESS_KEY", None)
AWS_S3_REGION_NAME = env.str("AWS_S3_REGION_NAME", None)
AWS_S3_ENDPOINT_URL = env.web_address("AWS_S3_ENDPOINT_URL")
AWS_S3_ADDRESSING_STYLE = env.str("AWS_S3_ADDRESSING_STYLE", None)
AWS_S3_CUSTOM_DOMAIN = env.host("AWS_S3_CUSTOM_DOMAIN")
PROTECTED_BUCKET_NAME = env.str("PROTECTED_BUCKET_NAME", None)
ASSETS_BUCKET_NAME = env.str("ASSETS_BUCKET_NAME", None)
ASSETS_ACCESS_KEY_ID = env.str("ASSETS_ACCESS_KEY_ID", None)
ASSETS_SECRET_ACCESS_KEY = env.str("ASSETS_SECRET_ACCESS_KEY", None)
ASSETS_CUSTOM_DOMAIN = env.host("ASSETS_CUSTOM_DOMAIN")
public_part, private_part = "", ""
if not (AWS_STORAGE_BUCKET_NAME or AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY):
    if env.str("BUCKETEER_BUCKET_NAME", None):
        AWS_STORAGE_BUCKET_NAME = env.str("BUCKETEER_BUCKET_NAME")
        AWS_ACCESS_KEY_ID = env.str("BUCKETEER_AWS_ACCESS_KEY_ID")
        AWS_SECRET_ACCESS_KEY = env.str("BUCKETEER_AWS_SECRET_ACCESS_KEY")
        AWS_S3_REGION_NAME = AWS_S3_REGION_NAME or env.str("BUCKETEER_AWS_REGION")
        public_part = "public/"
    elif cube := env.web_address("CLOUDCUBE_URL"):
        # https://cloud-cube-eu.s3.amazonaws.com/name-of-the-cube
        cube_host, _, cube_name = cube.partition("://")[2].partition("/")
        AWS_STORAGE_BUCKET_NAME = cube_host.partition(".")[0]
        AWS_ACCESS_KEY_ID = env.str("CLOUDCUBE_ACCESS_KEY_ID")
        AWS_SECRET_ACCESS_KEY = env.str("CLOUDCUBE_SECRET_ACCESS_KEY")
        cube_region = "eu-west-1" if "-eu" in AWS_STORAGE_BUCKET_NAME else "us-east-1"
        AWS_S3_REGION_NAME = AWS_S3_REGION_NAME or cube_region
        public_part, private_part = f"{cube_name}/public/", f"{cube_name}/"
if AWS_S3_ENDPOINT_URL:
    AWS_S3_REGION_NAME = AWS_S3_REGION_NAME or "us-east-1"  # what S3-compatible servers default to

# Where sites share a bucket, as review apps may, each has a folder below the prefixes: what opens
# media/* to strangers opens media/site-pr-7/*, too.
FILES_FOLDER = env.folder("FILES_FOLDER")
MEDIA_PREFIX = env.prefix("MEDIA_PREFIX", f"{public_part}media") + FILES_FOLDER
ASSETS_PREFIX = env.prefix("ASSETS_PREFIX", f"{public_part}assets") + FILES_FOLDER
PROTECTED_PREFIX = env.prefix("PROTECTED_PREFIX", f"{private_part}protected") + FILES_FOLDER
env.refuse_overlap(
    (AWS_STORAGE_BUCKET_NAME, MEDIA_PREFIX, "MEDIA_PREFIX"),
    (ASSETS_BUCKET_NAME or AWS_STORAGE_BUCKET_NAME, ASSETS_PREFIX, "ASSETS_PREFIX"),
    (PROTECTED_BUCKET_NAME or AWS_STORAGE_BUCKET_NAME, PROTECTED_PREFIX, "PROTECTED_PREFIX"),
)

# Files: all of S3 or none of it.
S3_REQUIRED = {
    "AWS_STORAGE_BUCKET_NAME": AWS_STORAGE_BUCKET_NAME,
    "AWS_ACCESS_KEY_ID": AWS_ACCESS_KEY_ID,
    "AWS_SECRET_ACCESS_KEY": AWS_SECRET_ACCESS_KEY,
    "AWS_S3_REGION_NAME": AWS_S3_REGION_NAME,
}
S3_OPTIONAL = [
    AWS_S3_ENDPOINT_URL, AWS_S3_ADDRESSING_STYLE, AWS_S3_CUSTOM_DOMAIN, PROTECTED_BUCKET_NAME,
    ASSETS_BUCKET_NAME, ASSETS_ACCESS_KEY_ID, ASSETS_SECRET_ACCESS_KEY, ASSETS_CUSTOM_DOMAIN,
]  # fmt: skip
AWS_AVAILABLE = all(S3_REQUIRED.values())
if not AWS_AVAILABLE and (any(S3_REQUIRED.values()) or any(S3_OPTIONAL)):
    missing = ", ".join(name for name, value in S3_REQUIRED.items() if not value)
    env.refuse(f"S3 is configured by half: set {missing} too, or none of its variables.")
if bool(ASSETS_ACCESS_KEY_ID) != bool(ASSETS_SECRET_ACCESS_KEY):
    env.refuse("ASSETS_ACCESS_KEY_ID and ASSETS_SECRET_ACCESS_KEY go together: set both or none.")
if AWS_S3_ADDRESSING_STYLE not in {None, "virtual", "path"}:
    env.refuse("AWS_S3_ADDRESSING_STYLE must be virtual or path.")

# Files: how long things are good for, and what people may upload.
PROTECTED_URL_SECONDS = env.int("PROTECTED_URL_SECONDS", 600, validate=validate.Range(1, 604_800))
MEDIA_CACHE_SECONDS = env.int("MEDIA_CACHE_SECONDS", 86_400, validate=validate.Range(0, 31_536_000))
AVATAR_PIXELS, AVATAR_SMALL_PIXELS = 512, 96
AVATAR_MAX_BYTES = env.int("AVATAR_MAX_BYTES", 20_000_000)
RESUME_MAX_BYTES = env.int("RESUME_MAX_BYTES", 10 * 1024 * 1024)
UPLOAD_KEPT_SECONDS = 60 * 60  # what was chosen waits so long for its form to be saved
UPLOADS_KEPT, STAFF_UPLOADS_KEPT = 40, 2000  # for each person at a time
UPLOAD_MAX_BODY_BYTES = 2 * ((AVATAR_MAX_BYTES or 0) + (RESUME_MAX_BYTES or 0))
FILE_UPLOAD_HANDLERS = [
    "portal.request_bodies.BodyLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FILES = 10
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # the admin names each of the members to be deleted

# Files: the policies are classes in portal/files/storages.py; here is where each of them is.
csp_media, csp_assets, csp_protected = [], [], []
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(BASE_DIR / "var")))
MEDIA_URL = "/media/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
if AWS_AVAILABLE:
    place = {
        "bucket_name": AWS_STORAGE_BUCKET_NAME,
        "access_key": AWS_ACCESS_KEY_ID,
        "secret_key": AWS_SECRET_ACCESS_KEY,
        "region_name": AWS_S3_REGION_NAME,
        "endpoint_url": AWS_S3_ENDPOINT_URL,
        "addressing_style": AWS_S3_ADDRESSING_STYLE,
    }
    assets_place = {
        **place,
        "bucket_name": ASSETS_BUCKET_NAME or AWS_STORAGE_BUCKET_NAME,
        "access_key": ASSETS_ACCESS_KEY_ID or AWS_ACCESS_KEY_ID,
        "secret_key": ASSETS_SECRET_ACCESS_KEY or AWS_SECRET_ACCESS_KEY,
        # What serves the media bucket knows nothing of another bucket.
        "custom_domain": ASSETS_CUSTOM_DOMAIN
        or (None if ASSETS_BUCKET_NAME else AWS_S3_CUSTOM_DOMAIN),
    }
    STORAGES = {
        "default": {
            "BACKEND": "portal.files.storages.PublicMediaStorage",
            "OPTIONS": {**place, "location": MEDIA_PREFIX, "custom_domain": AWS_S3_CUSTOM_DOMAIN},
        },
        "protected": {
            "BACKEND": "portal.files.storages.ProtectedMediaStorage",
            "OPTIONS": {
                **place,
                "bucket_name": PROTECTED_BUCKET_NAME or AWS_STORAGE_BUCKET_NAME,
                "location": PROTECTED_PREFIX,
            },
        },
        "assets": {
            "BACKEND": "portal.files.storages.AssetsStorage",
            "OPTIONS": {**assets_place, "location": ASSETS_PREFIX},
        },
        "staticfiles": {"BACKEND": "portal.files.assets.UploadedStaticFilesStorage"},
    }
    MEDIA_URL = public_address(**STORAGES["default"]["OPTIONS"])
    csp_media = [MEDIA_URL]
    csp_assets = [public_address(**STORAGES["assets"]["OPTIONS"])]
    csp_protected = [public_address(**STORAGES["protected"]["OPTIONS"])]
elif IS_DEVELOPMENT:
    STORAGES = {
        "default": {
            "BACKEND": "portal.files.storages.PublicFileStorage",
            "OPTIONS": {"location": MEDIA_ROOT / "media", "base_url": MEDIA_URL},
        },
        "protected": {
            "BACKEND": "portal.files.storages.ProtectedFileStorage",
            "OPTIONS": {"location": MEDIA_ROOT / "protected"},
        },
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
else:  # a build may come before its bucket: assets can be collected, the site refuses to serve
    STORAGES = {
        "default": {"BACKEND": "portal.files.storages.UnconfiguredStorage"},
        "protected": {"BACKEND": "portal.files.storages.UnconfiguredStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# Files of the live site, for a staging copy of it: copy_live_media reads them, with keys that can
# do nothing else.
LIVE_STORAGE_BUCKET_NAME = env.str("LIVE_STORAGE_BUCKET_NAME", None)
LIVE_PROTECTED_BUCKET_NAME = env.str("LIVE_PROTECTED_BUCKET_NAME", None)
LIVE_READ_ONLY_ACCESS_KEY_ID = env.str("LIVE_READ_ONLY_ACCESS_KEY_ID", None)
LIVE_READ_ONLY_SECRET_KEY = env.str("LIVE_READ_ONLY_SECRET_KEY", None)
LIVE_S3_REGION_NAME = env.str("LIVE_S3_REGION_NAME", None)
LIVE_S3_ENDPOINT_URL = env.web_address("LIVE_S3_ENDPOINT_URL")
LIVE_S3_ADDRESSING_STYLE = env.str("LIVE_S3_ADDRESSING_STYLE", None)
LIVE_MEDIA_PREFIX = env.prefix("LIVE_MEDIA_PREFIX", MEDIA_PREFIX.removesuffix(FILES_FOLDER))
LIVE_PROTECTED_PREFIX = env.prefix(
    "LIVE_PROTECTED_PREFIX", PROTECTED_PREFIX.removesuffix(FILES_FOLDER)
)
if LIVE_S3_ENDPOINT_URL:
    LIVE_S3_REGION_NAME = LIVE_S3_REGION_NAME or "us-east-1"
LIVE_REQUIRED = {
    "LIVE_STORAGE_BUCKET_NAME": LIVE_STORAGE_BUCKET_NAME,
    "LIVE_READ_ONLY_ACCESS_KEY_ID": LIVE_READ_ONLY_ACCESS_KEY_ID,
    "LIVE_READ_ONLY_SECRET_KEY": LIVE_READ_ONLY_SECRET_KEY,
    "LIVE_S3_REGION_NAME": LIVE_S3_REGION_NAME,
}
LIVE_OPTIONAL = [LIVE_PROTECTED_BUCKET_NAME, LIVE_S3_ENDPOINT_URL, LIVE_S3_ADDRESSING_STYLE]
LIVE_STORAGES = {}
if all(LIVE_REQUIRED.values()):
    live_place = {
        "bucket_name": LIVE_STORAGE_BUCKET_NAME,
        "access_key": LIVE_READ_ONLY_ACCESS_KEY_ID,
        "secret_key": LIVE_READ_ONLY_SECRET_KEY,
        "region_name": LIVE_S3_REGION_NAME,
        "endpoint_url": LIVE_S3_ENDPOINT_URL,
        "addressing_style": LIVE_S3_ADDRESSING_STYLE,
    }
    LIVE_STORAGES = {
        "default": {
            "BACKEND": "portal.files.storages.PublicMediaStorage",
            "OPTIONS": {**live_place, "location": LIVE_MEDIA_PREFIX},
        },
        "protected": {
            "BACKEND": "portal.files.storages.ProtectedMediaStorage",
            "OPTIONS": {
                **live_place,
                "bucket_name": LIVE_PROTECTED_BUCKET_NAME or LIVE_STORAGE_BUCKET_NAME,
                "location": LIVE_PROTECTED_PREFIX,
            },
        },
    }
elif any(LIVE_REQUIRED.values()) or any(LIVE_OPTIONAL):
    missing = ", ".join(name for name, value in LIVE_REQUIRED.items() if not value)
    env.refuse(f"The live site's S3 is configured by half: set {missing} too, or none of LIVE_.")
if LIVE_S3_ADDRESSING_STYLE not in {None, "virtual", "path"}:
    env.refuse("LIVE_S3_ADDRESSING_STYLE must be virtual or path.")

# What scrub_members removes from a copy of the live database: a decision for every column.
SCRUB_RULES = "profiles.scrub_rules.RULES"

# For copy_live_media --s3-batch: who copies on AWS's side, and where the manifests and reports are
# kept in the bucket of protected uploads. They name files, so they must not become public.
BATCH_ROLE_ARN = env.str(
    "BATCH_ROLE_ARN", None, validate=validate.Regexp(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
)
BATCH_REPORT_PREFIX = env.prefix("BATCH_REPORT_PREFIX", f"{PROTECTED_PREFIX}/batch")
for public_place in (
    (AWS_STORAGE_BUCKET_NAME, MEDIA_PREFIX, "MEDIA_PREFIX"),
    (ASSETS_BUCKET_NAME or AWS_STORAGE_BUCKET_NAME, ASSETS_PREFIX, "ASSETS_PREFIX"),
):
    env.refuse_overlap(
        public_place,
        (
            PROTECTED_BUCKET_NAME or AWS_STORAGE_BUCKET_NAME,
            BATCH_REPORT_PREFIX,
            "BATCH_REPORT_PREFIX",
        ),
    )

# Security: HTTPS behind the host's router, which sets X-Forwarded-Proto and drops a client's own.
SECURE_SSL_REDIRECT = not IS_DEVELOPMENT
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, by address and over http
SECURE_PROXY_SSL_HEADER = None if IS_DEVELOPMENT else ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if IS_DEVELOPMENT else env.int("SECURE_HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
# Sister domains and preload lists are the operator's promise to make, not this site's to require.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_DEVELOPMENT
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
if not IS_DEVELOPMENT:  # the prefix makes browsers refuse cookies that a sister domain has set
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    LANGUAGE_COOKIE_SECURE = True
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"

# Content may come from here and from exactly the buckets above; files open nowhere but there.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, *csp_assets],
        "style-src": [SELF, *csp_assets],
        "img-src": [SELF, "data:", *csp_media, *csp_assets, *csp_protected],
        "font-src": [SELF, *csp_assets],
        "connect-src": [SELF],
        # Log-in may end in a redirect to a resume, and browsers hold redirects of forms to this.
        "form-action": [SELF, *csp_protected],
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

# Logs: a line for each request on standard output, whatever else there is to say on standard error,
# so that what a command prints can be read by a program.
LOG_FORMAT = env.str("LOG_FORMAT", "plain" if IS_DEVELOPMENT else "logfmt")
if LOG_FORMAT not in {"logfmt", "json", "plain"}:
    env.refuse("LOG_FORMAT must be logfmt, json or plain.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact_links": {"()": "portal.observability.logs.RedactLinks"}},
    "formatters": {"line": {"()": "portal.observability.logs.formatter", "log_format": LOG_FORMAT}},
    "handlers": {
        "requests": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "line",
            "filters": ["redact_links"],
        },
        "console": {
            "class": "portal.observability.logs.Console",
            "stream": "ext://sys.stderr",
            "formatter": "line",
            "filters": ["redact_links"],
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "portal.observability.request_log": {"handlers": ["requests"], "propagate": False},
        "gunicorn.error": {"handlers": ["console"], "propagate": False},  # level: gunicorn's own
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.utils.autoreload": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "pikepdf": {"level": "WARNING"},
    },
}

# Errors, besides the log: nothing of Sentry is imported without a DSN (observability/sentry.py).
SENTRY_DSN = env.sentry_dsn("SENTRY_DSN")
SENTRY_RELEASE = env.str("SENTRY_RELEASE", env.str("HEROKU_BUILD_COMMIT", None))

env.finish()
