"""The only reader of Django's settings in this app: one typed function per thing that code asks for."""

import os
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings


@dataclass(frozen=True, kw_only=True)
class EnvironmentCredentials:
    """The secrets of the connection that is configured by environment; empty when not given."""

    calendly_access_token: str
    calendly_signing_key: str
    brevo_api_key: str

    def __repr__(self) -> str:
        """Never show a secret."""
        return "EnvironmentCredentials(…)"


def environment_credentials() -> EnvironmentCredentials:
    """Return what CALENDLY_ACCESS_TOKEN, CALENDLY_WEBHOOK_SIGNING_KEY and BREVO_API_KEY hold."""
    return EnvironmentCredentials(
        calendly_access_token=settings.CALENDLY_ACCESS_TOKEN,
        calendly_signing_key=settings.CALENDLY_WEBHOOK_SIGNING_KEY,
        brevo_api_key=settings.BREVO_API_KEY,
    )


@dataclass(frozen=True, kw_only=True)
class OAuthApplication:
    """Our OAuth application at Calendly; `client_id` is empty without one, `client_secret` for a native one."""

    client_id: str
    client_secret: str = field(repr=False)
    auth_url: str
    redirect_uri: str


def oauth_application() -> OAuthApplication:
    """Return what CALENDLY_CLIENT_ID, CALENDLY_CLIENT_SECRET and CALENDLY_AUTH_URL hold."""
    return OAuthApplication(
        client_id=settings.CALENDLY_CLIENT_ID,
        client_secret=settings.CALENDLY_CLIENT_SECRET,
        auth_url=settings.CALENDLY_AUTH_URL,
        redirect_uri=f"{public_url()}/oauth/calendly/callback",
    )


def calendly_api_url() -> str:
    """Return the base address of Calendly's API, without a closing slash."""
    return str(settings.CALENDLY_API_URL)


def brevo_api_url() -> str:
    """Return the base address of Brevo's API including "/v3", without a closing slash."""
    return str(settings.BREVO_API_URL)


def public_url() -> str:
    """Return the address under which Calendly reaches us, without a closing slash."""
    return str(settings.PUBLIC_URL)


def encryption_keys() -> list[str]:
    """Return the Fernet keys, newest first."""
    return list(settings.FIELD_ENCRYPTION_KEYS)


def logs_webhooks() -> bool:
    """Return whether each delivery's way to Brevo is written to the log (never its content)."""
    return bool(settings.LOG_WEBHOOKS)


def tally_seconds() -> float:
    """Return how often a web process writes what it has counted, at most."""
    return float(settings.TALLY_SECONDS)


def metrics_token() -> str:
    """Return the bearer token for /metrics; empty: only this very machine may ask."""
    return str(settings.METRICS_TOKEN)


def max_body_bytes() -> int:
    """Return the size above which a webhook is refused with 413."""
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def people_at_once_from() -> int:
    """Return how many people must wait before they are written to Brevo by import instead of one by one."""
    return int(settings.PEOPLE_AT_ONCE_FROM)


def keep_days(name: str) -> int:
    """Return for how many days something is kept by a setting such as KEEP_LOG_DAYS; 0 is for ever."""
    return int(getattr(settings, name))


def trusted_proxies() -> int:
    """Return how many proxies of ours stand before us, each of which adds whom it heard to X-Forwarded-For."""
    return int(settings.TRUSTED_PROXIES)


def requires_second_factor() -> bool:
    """Return whether staff must have a second factor to get in."""
    return bool(settings.REQUIRE_SECOND_FACTOR)


def session_seconds() -> tuple[int, int]:
    """Return after how many seconds a session is over: without being used, and however much it is used."""
    return int(settings.SESSION_IDLE_SECONDS), int(settings.SESSION_COOKIE_AGE)


def login_failures() -> int:
    """Return how many wrong passwords in a row lock a log-in."""
    return int(settings.AXES_FAILURE_LIMIT)


def login_lock() -> timedelta:
    """Return for how long."""
    lasts: timedelta = settings.AXES_COOLOFF_TIME
    return lasts


def notice_emails() -> list[str]:
    """Return to whom notices go by e-mail; empty: to the superusers."""
    return list(settings.NOTICE_EMAILS)


def notice_webhook_url() -> str:
    """Return the chat tool's address that notices are posted to; empty: none. It holds a secret: never log it."""
    return str(settings.NOTICE_WEBHOOK_URL)


def notice_webhook_allows_loopback() -> bool:
    """Return whether the chat tool may be on this machine, by http: for tests and the sandbox."""
    return bool(settings.NOTICE_WEBHOOK_LOOPBACK)


def task_queue_url() -> str:
    """Return the address of Celery's broker; empty: the database is the queue. It holds a password: never log it."""
    return str(settings.TASK_QUEUE_URL)


def sends_mail() -> bool:
    """Return whether e-mails leave this machine; without EMAIL_URL they are only written into the log."""
    return not str(settings.EMAIL_BACKEND).endswith("console.EmailBackend")


def is_debugging() -> bool:
    """Return whether error pages show code and settings to whoever sees them."""
    return bool(settings.DEBUG)


def allowed_hosts() -> list[str]:
    """Return the host names that we answer to."""
    return list(settings.ALLOWED_HOSTS)


def languages() -> list[tuple[str, str]]:
    """Return the languages of the admin, each with its own name for itself."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def follows_database_clock() -> bool:
    """Return whether work is shared by the clock of a database server, and not by each machine's own."""
    return bool(settings.FOLLOW_DATABASE_CLOCK)


def rules_kept_seconds() -> float:
    """Return how long a process may go by a configuration that it has read."""
    return float(settings.RULES_KEPT_SECONDS)


def variables() -> dict[str, str]:
    """Return the environment's variables that hold something, those with a setting as the setting has them.

    They hold secrets: only a configuration file may ask, and it copies none that looks like one.
    """
    credentials = {
        "CALENDLY_ACCESS_TOKEN": settings.CALENDLY_ACCESS_TOKEN,
        "CALENDLY_WEBHOOK_SIGNING_KEY": settings.CALENDLY_WEBHOOK_SIGNING_KEY,
        "BREVO_API_KEY": settings.BREVO_API_KEY,
        "CALENDLY_CLIENT_ID": settings.CALENDLY_CLIENT_ID,
        "CALENDLY_CLIENT_SECRET": settings.CALENDLY_CLIENT_SECRET,
    }
    return {name: value for name, value in {**os.environ, **credentials}.items() if value}
