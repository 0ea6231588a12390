"""All settings, read from the environment (README, "Settings"). Safe by default: no debug, no secret made up."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from project.environment import Environment
from project.policy import consent_origins

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR / ".env")

# -- Who we are -------------------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set. `make run` writes one into .env; .env.example shows how.")
PUBLIC_URL = env.address("PUBLIC_URL", "http://localhost:8000")  # how Calendly reaches us
_public = urlsplit(PUBLIC_URL)
if "@" in _public.netloc or _public.query or _public.fragment:
    raise ImproperlyConfigured("PUBLIC_URL may have neither a user, nor a question mark, nor a #.")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", f"{_public.hostname},localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]

# -- HTTPS: everything follows from the scheme of PUBLIC_URL ----------------------------------------------------
_secure = _public.scheme == "https"
SECURE_SSL_REDIRECT = _secure
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, least=0)  # in a row, before us; each adds to X-Forwarded-For
SECURE_REDIRECT_EXEMPT = [
    r"^health/",
    r"^metrics/?$",
    r"^webhooks/",
]  # from the inside; Calendly follows none
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _secure
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # "Strict" would lose the way back from Calendly
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# -- Who gets in (docs/security.md) -----------------------------------------------------------------------------
ADMIN_PATH = env.folder(
    "ADMIN_PATH", "admin/", taken=("api", "book", "health", "metrics", "oauth", "static", "webhooks")
)
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
AUTHENTICATION_BACKENDS = [
    "calendly_connector.web.staff_backends.Guard",  # first: whoever is locked out gets no further
    "calendly_connector.web.staff_backends.StaffBackend",
]
REQUIRE_SECOND_FACTOR = env.flag("REQUIRE_SECOND_FACTOR", default=False)
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_HOURS", 12) * 3600
SESSION_COOKIE_AGE = env.number("SESSION_DAYS", 7) * 86_400  # from the log-in on, however busy
AXES_FAILURE_LIMIT = env.number("LOGIN_FAILURES", 5)
AXES_COOLOFF_TIME = timedelta(minutes=env.number("LOGIN_LOCK_MINUTES", 15))  # its own default: for ever
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # its own default locks out everybody behind one address
AXES_CLIENT_IP_CALLABLE = "calendly_connector.web.visitor.login_address"
AXES_LOCKOUT_CALLABLE = "calendly_connector.web.staff_backends.same_page"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # or whoever goes on trying keeps somebody locked for ever
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = AXES_ENABLE_ADMIN = False  # our own line in the log, and our own page

# -- What a page may do: use what comes from us, and post forms to us and to Calendly's consent page -------------
CALENDLY_AUTH_URL = env.address("CALENDLY_AUTH_URL", "https://auth.calendly.com")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'", *consent_origins(CALENDLY_AUTH_URL)],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}

# -- What runs --------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "project.apps.ProjectAdminConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "axes",
    "drf_spectacular",  # `manage.py spectacular`, and what describes our API
    "calendly_connector",
]
BROKERS = ("redis", "rediss", "amqp", "amqps")  # Redis, RabbitMQ
if env.text("TASK_QUEUE_URL"):
    INSTALLED_APPS.append("project.apps.BrokerConfig")
MIDDLEWARE = [
    "project.middleware.WebhookDoor",
    "csp.middleware.CSPMiddleware",  # above whatever answers: redirects and error pages have the policy too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "calendly_connector.admin.gate.StaffGate",  # below whatever finds out who asks, above whatever trusts it
    "calendly_connector.admin.my_settings.ActivatePreference",
    "calendly_connector.admin.mask.MaskAddresses",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
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
            ]
        },
    }
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],  # closed unless a view says otherwise
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Calendly connector",
    "DESCRIPTION": "People whom the connector knows: looked up, synced, updated, exported and erased. Times to book, "
    "bookings without a redirect, and single-use links.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["calendly_connector.web.api.schema.only_ours"],
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # a webhook of more than 1 MiB is refused with 413

# -- Where things are kept --------------------------------------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # One writer at a time, taken at BEGIN, waited for rather than refused; readers never wait (dependencies.md §2b).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DATABASES["default"]["CONN_MAX_AGE"] = 300  # opening a connection costs more than a webhook
KEEP_RAW_BODIES_DAYS = env.days("KEEP_RAW_BODIES_DAYS", 30, least=3)  # below: the limits of docs/retention.md
KEEP_LOG_DAYS = env.days("KEEP_LOG_DAYS", 365, least=100)
KEEP_CHECKS_DAYS, KEEP_DEBUG_DAYS = env.days("KEEP_CHECKS_DAYS", 90, least=7), env.days("KEEP_DEBUG_DAYS", 7, least=1)
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
TIME_ZONE, USE_I18N, USE_TZ = env.zone("TIME_ZONE", "UTC"), True, True
LANGUAGES = [("en", "English"), ("da", "Dansk")]  # another: its file in locale/, and a line here
LANGUAGE_CODE = env.choice("ADMIN_LANGUAGE", "en", among=("en", "da"))  # staff choose theirs, or their browser does
LOCALE_PATHS = [BASE_DIR / "locale"]

# -- The two services (read by calendly_connector.conf alone) ---------------------------------------------------
CALENDLY_API_URL = env.address("CALENDLY_API_URL", "https://api.calendly.com")
BREVO_API_URL = env.address("BREVO_API_URL", "https://api.brevo.com/v3")
CALENDLY_ACCESS_TOKEN = env.text("CALENDLY_ACCESS_TOKEN")
CALENDLY_CLIENT_ID, CALENDLY_CLIENT_SECRET = env.text("CALENDLY_CLIENT_ID"), env.text("CALENDLY_CLIENT_SECRET")
CALENDLY_WEBHOOK_SIGNING_KEY = env.text("CALENDLY_WEBHOOK_SIGNING_KEY")
BREVO_API_KEY = env.text("BREVO_API_KEY")
FIELD_ENCRYPTION_KEYS = env.names("FIELD_ENCRYPTION_KEYS")
TASK_QUEUE_URL = env.address("TASK_QUEUE_URL", schemes=BROKERS)
RULES_KEPT_SECONDS = 2.0  # a change of the mapping takes effect within this time
FOLLOW_DATABASE_CLOCK = True  # of PostgreSQL: leases and limits are kept by it, however wrong a machine's own is
PEOPLE_AT_ONCE_FROM = env.number("PEOPLE_AT_ONCE_FROM", 60)  # six seconds of single writes

# -- Telling staff ----------------------------------------------------------------------------------------------
globals().update(env.email("EMAIL_URL", "consolemail://"))  # EMAIL_BACKEND, EMAIL_HOST…; without it: into the log
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", f"calendly-connector@{_public.hostname}")
NOTICE_EMAILS = env.names("NOTICE_EMAILS")
NOTICE_WEBHOOK_LOOPBACK = env.flag("NOTICE_WEBHOOK_LOOPBACK", default=False)  # only tests and the sandbox may
NOTICE_WEBHOOK_URL = env.address(
    "NOTICE_WEBHOOK_URL", schemes=("https", "http")[: 1 + NOTICE_WEBHOOK_LOOPBACK], is_base=False
)

# -- Watching ---------------------------------------------------------------------------------------------------
METRICS_TOKEN = env.text("METRICS_TOKEN")  # without it, only this very machine may read /metrics
TALLY_SECONDS = 1.0  # a web process writes what it counted this often, at most
SENTRY_DSN, SENTRY_ENVIRONMENT = env.text("SENTRY_DSN"), env.text("SENTRY_ENVIRONMENT", "production")

# -- Logs -------------------------------------------------------------------------------------------------------
LOG_WEBHOOKS = env.flag("LOG_WEBHOOKS", default=False)
LOG_FORMAT = env.choice("LOG_FORMAT", "text", among=("text", "json"))
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", among=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "project.logs.formatter", "kind": LOG_FORMAT}},
    "filters": {
        "mask": {"()": "calendly_connector.masking.LogMask"},
        "refusals": {"()": "calendly_connector.masking.WithoutRefusals"},
        "in_production": {"()": "django.utils.log.RequireDebugFalse"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["refusals", "mask"], "formatter": "line"},
        "mail_admins": {
            "class": "django.utils.log.AdminEmailHandler", "level": "ERROR", "filters": ["in_production", "mask"],
        },
    },
    "loggers": {
        "django": {"handlers": ["mail_admins"], "level": "INFO"},
        "celery.app.trace": {"level": "WARNING"},  # a line for every tick
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},

        "axes": {"level": "ERROR"},  # it tells every failure; the connector tells when somebody is locked out
        "urllib3": {"level": "INFO"},  # at DEBUG it would write every path, and paths hold e-mail addresses
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}  # fmt: skip
DEFAULT_EXCEPTION_REPORTER = "calendly_connector.masking.MaskedReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "calendly_connector.masking.MaskedFilter"
