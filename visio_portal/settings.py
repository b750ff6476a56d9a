"""Django settings of Visio. What an operator may change comes in through ``environment``."""

import os
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from visio_portal import environment, ground, keys

# Whatever Visio writes, its database first of all, is for its owner's eyes alone.
os.umask(0o077)

BASE_DIR = environment.ROOT
VISIO = environment.read()
try:
    KEYS = keys.load_or_make(VISIO.data)
except OSError as error:
    raise environment.BadEnvironment(
        f"the data folder {VISIO.data} cannot be used ({error.strerror}): choose another with VISIO_DATA=…"
    ) from None

SECRET_KEY = KEYS.django
DEBUG = False
ALLOWED_HOSTS = list(VISIO.allowed_hosts)

INSTALLED_APPS = [
    "accounts",
    "meetings",
    "transcripts",
    "visio_portal",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.TenantMiddleware",
]

ROOT_URLCONF = "visio_portal.urls"
ASGI_APPLICATION = "visio_portal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = ground.databases(VISIO.services, VISIO.data)
CACHES = ground.caches(VISIO.services)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# None: with one, every call's socket would wait on Redis as well and end with it.
CHANNEL_LAYERS: dict[str, object] = {}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.sign_in.VisioAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ALLAUTH_TRUSTED_PROXY_COUNT = 0  # visio_portal/proxies.py has put the client's own address in their place
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "visio_session"
SESSION_COOKIE_SECURE = VISIO.https
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = VISIO.https
# Thirty days, for given certificates alone: told so of a self-signed one, a browser would lock people out.
SECURE_HSTS_SECONDS = 30 * 86400 if VISIO.tls not in ("", "self-signed") else 0
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# 'self' covers the WebSocket of the same origin; blob: lets a page play what it holds in memory.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "visio_portal" / "locale"]
TIME_ZONE = "Europe/Paris"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [
    BASE_DIR / "static",
    ("vendor/livekit-client", BASE_DIR / "node_modules" / "livekit-client" / "dist"),
    ("vendor/pico", BASE_DIR / "node_modules" / "@picocss" / "pico" / "css"),
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 60

# The media server, reached over LiveKit's server API wherever it runs; clients come by the portal's address.
# Where relays register themselves, each room's own is looked up instead of MEDIA_SERVER_URL.
MEDIA_EMBEDDED = not VISIO.relay_url
MEDIA_REGISTERED = VISIO.relay_url == environment.REGISTERED
MEDIA_SERVER_URL = VISIO.relay_url or VISIO.loopback_address
MEDIA_CLIENT_URL = VISIO.loopback_address
MEDIA_SERVER_KEY = KEYS.relay_key
MEDIA_SERVER_SECRET = KEYS.relay_secret
MEDIA_WEBHOOK_URL = VISIO.webhook_url or VISIO.loopback_address + "/livekit/webhook"
RECORDINGS_DIR = VISIO.data / "recordings"
WORKERS_DIR = VISIO.data / "workers"
RECORDINGS_ROOT_KEY = bytes.fromhex(KEYS.recordings)
SPEECH = VISIO.speech

# The worker: in this process's threads, or `celery -A visio_portal worker`.
CELERY_BROKER_URL = VISIO.services.broker
CELERY_BROKER_TRANSPORT_OPTIONS = ground.broker_options(VISIO.services)
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A page does not wait for a broker that is away; the sweeper wakes what was not announced.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.1}
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 3  # of which speech, in a child process, takes one
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A sweep that could not begin before the next one is due is not wanted any more.
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "meetings.sweep_jobs", "schedule": 10.0, "options": {"expires": 10}},
    "tidy": {"task": "meetings.tidy", "schedule": 3600.0, "options": {"expires": 3600}},
}
# Kept in memory: beats of several workers wake the same jobs, and a job has one worker at a time.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "scrubbed": {
            "()": "visio_portal.scrubbing.ScrubbingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "filters": {"outages": {"()": "visio_portal.outages.OneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "scrubbed"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"visio": {"level": "INFO"}, "django.request": {"level": "ERROR", "filters": ["outages"]}},
}
