"""Secrets planted everywhere, and then looked for wherever people look: logs, pages, reports, exports, `repr`."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import django
import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from calendly_connector import conf, masking
from calendly_connector.clients import errors
from calendly_connector.models import BrevoAccount, Connection, StaffLogin
from calendly_connector.services import (
    api_tokens,
    brevo_listen,
    grants,
    keep_alive,
    oauth,
    queue,
    rotation,
    second_factor,
    secrets,
    setup,
    subscription,
    tokens,
)
from calendly_connector.services import connection as connections
from sandbox.calendly_world import CLIENT_ID
from sandbox.world import Fault
from tests import consent
from tests.admin.rows import make_booking_row, make_some_of_everything
from tests.journeys.river import River
from tests.login.phone import code_at

PLANTED = {
    "SECRET_KEY": "planted-secret-key-of-django-0123456789-abcdefghij",
    "CALENDLY_ACCESS_TOKEN": "planted-personal-token-9f8e7d6c5b4a",
    "CALENDLY_CLIENT_SECRET": "planted-client-secret-1a2b3c4d5e6f",
    "CALENDLY_WEBHOOK_SIGNING_KEY": "planted-signing-key-0a1b2c3d4e5f",
    "BREVO_API_KEY": "planted-brevo-key-a1b2c3d4e5f6",
    "TASK_QUEUE_URL": "redis://worker:planted-broker-password@localhost:6379/0",
    "METRICS_TOKEN": "planted-metrics-token-7e6f5a4b3c2d",
    "SENTRY_DSN": "https://planted-sentry-key-5a4b3c@sentry.example.com/1",
    "NOTICE_WEBHOOK_URL": "http://127.0.0.1:9/hooks/planted-chat-hook-2b1c",  # nobody listens there
    "EMAIL_HOST_PASSWORD": "planted-mail-password-3d2e1f",
}
PARTS = ("planted-broker-password", "planted-sentry-key-5a4b3c", "/hooks/planted-chat-hook-2b1c")
STORED_TOKEN = "b4a59687-planted-stored-token"
STORED_KEY = "planted-stored-brevo-key-f6e5d4c3b2a1"


@dataclass
class Planted:
    """An installation full of secrets."""

    river: River
    paris: Connection  # connected with the button
    lyon: Connection  # with a stored token
    recovery_codes: Sequence[str] = ()  # of a member of staff with a second factor
    api_token: str = ""  # kept as a digest

    @property
    def values(self) -> set[str]:
        """Return every secret that there is, in the environment and in the database."""
        found = {*PLANTED.values(), *PARTS, self.api_token, *conf.encryption_keys()}
        for row in Connection.objects.all():
            found |= {row.access_token, row.refresh_token, row.signing_key, row.previous_signing_key}
        found |= {*self.recovery_codes, *(row.secret for row in StaffLogin.objects.all())}
        for account in BrevoAccount.objects.all():
            found |= {account.api_key, account.webhook_secret}
        return found - {""}

    def found_in(self, text: str) -> set[str]:
        """Return the secrets, and the first halves of long ones, that a text tells."""
        text = unescape(text)
        return {value for value in self.values if value in text or value[: max(12, len(value) // 2)] in text}


@pytest.fixture
def planted(
    running_sandbox: Any, settings: Settings, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Planted]:
    """Return an installation where every secret has a value that can be recognised."""
    river = River(running_sandbox, settings)
    for name, value in PLANTED.items():
        setattr(settings, name, value)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), Fernet.generate_key().decode()]
    settings.CALENDLY_CLIENT_ID, settings.NOTICE_WEBHOOK_LOOPBACK = CLIENT_ID, True
    state = river.calendly.state
    state.apps[CLIENT_ID] = replace(state.apps[CLIENT_ID], secret=PLANTED["CALENDLY_CLIENT_SECRET"])
    river.calendly.settings.oauth_tokens_per_minute = None
    river.calendly.add_token(PLANTED["CALENDLY_ACCESS_TOKEN"])
    river.calendly.add_token(STORED_TOKEN)
    river.brevo.settings.api_key = PLANTED["BREVO_API_KEY"]
    river.connect()
    BrevoAccount.objects.create(name="With a key", api_key=STORED_KEY)
    paris = connections.make_connection("Paris", river.account)
    start = oauth.begin(paris)
    oauth.finish(paris, start.saved, consent.answer(start.url))
    lyon = connections.make_connection("Lyon", river.account)
    setup.save_calendly_token(lyon, STORED_TOKEN)
    subscription.subscribe(lyon)
    rotation.rotate(lyon)
    brevo_listen.listen(river.account)
    codes = plant_second_factor()
    token = api_tokens.make(name="CRM", user=User.objects.create_superuser("robot"))[1]
    yield Planted(river, Connection.objects.get(pk=paris.pk), Connection.objects.get(pk=lyon.pk), codes, token)
    running_sandbox.reset()


def plant_second_factor() -> list[str]:
    """Give a member of staff a second factor, and another the beginning of one; return the recovery codes."""
    second_factor.start(User.objects.create_user("otto", is_staff=True))
    user = User.objects.create_user("olga", is_staff=True)
    secret = second_factor.start(user).secret
    return second_factor.confirm(user, code_at(str(secret)))


@pytest.fixture
def unmasked_log() -> Iterator[StringIO]:
    """Return everything that is logged from now on, down to DEBUG, before any filter could mask it."""
    root, text = logging.getLogger(), StringIO()
    handler, level = logging.StreamHandler(text), root.level
    root.handlers.insert(0, handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def staff(db: None) -> Client:
    """Return somebody who may see and do everything."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("anna"))
    return client


def test_the_planted_values_are_recognised(planted: Planted) -> None:
    assert len(planted.values) >= 22
    assert planted.found_in(f"x{STORED_KEY}y") == {STORED_KEY}


# -- Logs and errors --------------------------------------------------------------------------------------------


def test_no_secret_is_logged_on_a_whole_journey_with_failing_calls(planted: Planted, unmasked_log: StringIO) -> None:
    river, told = planted.river, []

    river.calendly.book(event_type="Demo", email="nadia@example.com", name="Nadia Benali")
    for provider, kind, details in every_fault():
        river.sandbox.world.faults.add(Fault(provider=provider, kind=kind, times=2, **details))
        deliver(river)
        river.work()
        told += [str(attempt(work)) for work in works(planted)]
        river.mend()
        river.hurry()
    BrevoAccount.objects.update(state="active")
    river.work()

    assert "Brevo: POST /contacts answered" in unmasked_log.getvalue()
    assert planted.found_in(unmasked_log.getvalue()) == set()
    assert planted.found_in("\n".join(told)) == set()


def deliver(river: River) -> None:
    """Post what Calendly has to deliver to each connection's own address."""
    for delivery in river.pending():
        signed = delivery.headers(time.time())["Calendly-Webhook-Signature"]
        assert river.post_raw(delivery.body, signed, path=urlsplit(delivery.url).path) == 200
        river.calendly.deliveries.drop(delivery)


def every_fault() -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Yield misbehaviours of both services."""
    for provider in ("calendly", "brevo"):
        yield provider, "reset", {}
        for status in (400, 401, 403, 404, 429, 500, 503):
            yield provider, "status", {"status": status, "body": {"message": f"{status}", "title": "no"}}


def works(planted: Planted) -> list[Callable[[], object]]:
    """Return what talks to the two services with one credential or another."""
    return [
        lambda: setup.check(planted.river.connection),
        lambda: setup.test_calendly_token(STORED_TOKEN),
        lambda: setup.test_brevo_key(PLANTED["BREVO_API_KEY"]),
        lambda: connections.calendly_client(planted.paris).get_me(),
        lambda: tokens.refresh_now(planted.paris, rejected=planted.paris.access_token) and None,
        lambda: subscription.subscribe(planted.lyon),
        keep_alive.keep_alive,
        tokens.refresh_due,
    ]


def attempt(work: Callable[[], object]) -> object:
    """Return a result, or all that is told of the error."""
    try:
        return work()
    except (errors.ApiError, queue.Later, setup.OtherAccount) as error:
        return f"{error} {error!r} {''.join(traceback.format_exception(error))}"


def test_the_filter_masks_what_a_library_might_log(planted: Planted) -> None:
    console = next(each for each in logging.getLogger().handlers if any(
        isinstance(one, masking.LogMask) for one in each.filters))  # fmt: skip
    text = StringIO()
    twin = logging.StreamHandler(text)
    twin.filters, twin.formatter = console.filters, console.formatter
    logger = logging.getLogger("some.library")
    logger.addHandler(twin)
    try:
        for value in planted.values:
            logger.warning("sending %s", {"headers": value})
            try:
                raise ValueError(f"cannot use {value}")
            except ValueError:
                logger.exception("failed")
    finally:
        logger.removeHandler(twin)

    assert "cannot use" in text.getvalue()
    assert planted.found_in(text.getvalue()) == set()


# -- Pages ------------------------------------------------------------------------------------------------------


def test_no_secret_is_on_any_page_of_the_admin(planted: Planted, staff: Client) -> None:
    make_some_of_everything(5)
    make_booking_row(planted.paris)
    seen = 0

    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages = [reverse(f"{name}_changelist"), reverse("admin:index")]
        for row in model._default_manager.all()[:4]:
            pages += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history")]
        for page in pages:
            response = staff.get(page, follow=True)
            assert response.status_code == 200, page
            assert planted.found_in(response.content.decode()) == set(), page
            seen += 1

    assert seen > 40


def break_the_button(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the button fail with secrets in variables of innocent names, deep in objects, and in the error's text."""
    values = sorted(planted.values)

    def stumble(connection: Connection) -> None:
        innocent = values
        deep = {"headers": {"x": [{"Authorization": f"Bearer {values[0]}"}]}, "clients": reachable(planted)}
        token, api_key = "unknown-to-everybody-0123456789", "unknown-as-well-0123456789"
        raise ZeroDivisionError(f"{connection} {innocent} {len(deep)} {' '.join(values)}", len(token + api_key))

    monkeypatch.setattr(oauth, "begin", stumble)


def press(planted: Planted, staff: Client) -> str:
    """Press the broken button, with secrets in the form and in the headers, and return the page."""
    response = staff.post(
        f"/oauth/calendly/connect/{planted.paris.pk}?code=unknown-code-0123456789",
        {"token": "unknown-posted-0123456789", "note": STORED_KEY},
        headers={"Authorization": f"Bearer {PLANTED['CALENDLY_ACCESS_TOKEN']}", "X-Note": STORED_KEY},
    )
    assert response.status_code == 500
    return response.content.decode()


def test_no_secret_is_on_djangos_error_page(
    planted: Planted, staff: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    break_the_button(planted, monkeypatch)

    page = press(planted, staff)

    assert "ZeroDivisionError" in page
    assert "stumble" in page
    assert planted.found_in(page) == set()
    assert "unknown-posted-0123456789" not in page
    assert "unknown-code-0123456789" not in page
    assert page.count("unknown-to-everybody-0123456789") <= 1  # the line of code that makes it, not the variable


def test_no_secret_is_in_the_mail_about_an_error(
    planted: Planted, staff: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ADMINS = ["ops@example.com"] if django.VERSION >= (6, 0) else [("Ops", "ops@example.com")]
    break_the_button(planted, monkeypatch)

    page = press(planted, staff)

    [message] = mail.outbox
    assert "ZeroDivisionError" in str(message.body)
    assert planted.found_in(f"{message.subject}\n{message.body}\n{message.message()}\n{page}") == set()
    assert "unknown-posted-0123456789" not in str(message.body)


def test_the_reporter_survives_what_can_not_be_shown() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    try:
        odd = Odd()
        raise ValueError(type(odd).__name__)
    except ValueError as error:
        report = masking.MaskedReporter(None, type(error), error, error.__traceback__)

    assert "RuntimeError while showing it" in report.get_traceback_html()
    assert "ValueError" in report.get_traceback_text()


# -- Exports and repr -------------------------------------------------------------------------------------------


def test_no_secret_is_dumped(planted: Planted) -> None:
    text = StringIO()

    call_command("dumpdata", stdout=text)

    assert "With a key" in text.getvalue()
    assert planted.found_in(text.getvalue()) == set()


START = oauth.begin  # before a test breaks it


def reachable(planted: Planted) -> list[object]:
    """Return one of each object that has a secret, or has to do with one."""
    app, credentials = conf.oauth_application(), conf.environment_credentials()
    grant = tokens.application().refresh(grants.read(planted.paris.pk).refresh_token)
    grants.store(planted.paris, grant)
    calendly, brevo = connections.calendly_client(planted.lyon), connections.brevo_client(planted.river.account)
    clients = [calendly, calendly._http, calendly._http._session, brevo, brevo._http, brevo._http._session]
    rows = [
        row for model in apps.get_app_config("calendly_connector").get_models() for row in model._default_manager.all()
    ]
    report = setup.test_calendly_token(STORED_TOKEN)
    own: list[object] = [app, credentials, grant, START(planted.paris), report, *secrets.stored()]
    return [*own, tokens.application(), *clients, *rows]


def test_no_repr_and_no_str_tells_a_secret(planted: Planted) -> None:
    objects = reachable(planted)

    told = "\n".join(f"{each!r} {each!s} {[each]} {each}" for each in objects)

    assert len(objects) > 25
    assert planted.found_in(told) == set()


def test_a_whole_row_can_be_printed(planted: Planted) -> None:
    """As a debugger or a careless `print(vars(row))` would."""
    rows = [*Connection.objects.all(), *BrevoAccount.objects.all()]

    assert planted.found_in("\n".join(f"{vars(row)}" for row in rows)) == set()


def test_a_service_that_quotes_its_credential_is_not_quoted(planted: Planted) -> None:
    body = {"message": f"{STORED_TOKEN} not found", "title": f"Key {STORED_KEY}", "code": "unauthorized"}
    for provider in ("brevo", "calendly"):
        planted.river.sandbox.world.faults.add(Fault(provider=provider, kind="status", status=401, body=body))

    for work in (lambda: setup.test_brevo_key(STORED_TOKEN), lambda: setup.test_calendly_token(STORED_TOKEN)):
        assert "answered 401, “… not found”" in (told := str(attempt(work)))
        assert planted.found_in(told) == set()


def test_errors_keep_their_words_and_no_headers(planted: Planted) -> None:
    with pytest.raises(errors.Unauthorized) as raised:
        setup.test_calendly_token(STORED_KEY)

    assert "Calendly: GET /users/me: answered 401" in str(raised.value)
    assert planted.found_in(f"{raised.value!r} {vars(raised.value)}") == set()
