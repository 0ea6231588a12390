"""The settings under test: the project's own, with an environment that needs no `.env` and reaches no real service.

Only unset variables are filled in, so that `DATABASE_URL` can choose PostgreSQL (`python -m tests.postgres`), and so
that a process started by a test keeps what the test gave it. A `.env` never overrides any of them.
"""

import os

ENVIRONMENT = {
    "SECRET_KEY": "for-tests-only-and-therefore-known-to-everyone",
    "DEBUG": "false",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PUBLIC_URL": "http://testserver",
    "DATABASE_URL": "sqlite:///:memory:",
    "FIELD_ENCRYPTION_KEYS": "dGVzdHMtb25seS1rZXktMzItYnl0ZXMtbG9uZy0hISE=",
    "CALENDLY_ACCESS_TOKEN": "",
    "CALENDLY_CLIENT_ID": "",
    "CALENDLY_CLIENT_SECRET": "",
    "CALENDLY_WEBHOOK_SIGNING_KEY": "",
    "BREVO_API_KEY": "",
    "CALENDLY_API_URL": "http://127.0.0.1:9",  # the discard port: nothing answers there
    "CALENDLY_AUTH_URL": "http://127.0.0.1:9",
    "BREVO_API_URL": "http://127.0.0.1:9/v3",
    "TASK_QUEUE_URL": "",
    "TRUSTED_PROXIES": "0",
    "KEEP_RAW_BODIES_DAYS": "",
    "KEEP_LOG_DAYS": "",
    "KEEP_CHECKS_DAYS": "",
    "KEEP_DEBUG_DAYS": "",
    "EMAIL_URL": "dummymail://",
    "EMAIL_FROM": "",
    "NOTICE_EMAILS": "",
    "NOTICE_WEBHOOK_URL": "",
    "NOTICE_WEBHOOK_LOOPBACK": "false",
    "ADMIN_PATH": "",
    "REQUIRE_SECOND_FACTOR": "false",
    "LOG_LEVEL": "INFO",
    "LOG_WEBHOOKS": "false",
    "LOG_FORMAT": "text",
    "METRICS_TOKEN": "",
    "SENTRY_DSN": "",
}
for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

from project.settings import *  # noqa: E402, F403 - the environment has to be there first

FOLLOW_DATABASE_CLOCK = os.environ.get("FOLLOW_DATABASE_CLOCK") == "true"  # tests travel in time, the server doesn't
TALLY_SECONDS = 0  # a request writes what it counted
RULES_KEPT_SECONDS = 0  # tests change a mapping and look at once
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # logging in a hundred times costs nothing
STORAGES = {  # no collectstatic before the tests
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
