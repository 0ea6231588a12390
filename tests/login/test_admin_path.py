"""The admin may stand under another address: then everything leads there, and the usual one is nowhere."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import clear_url_caches, reverse
from pytest_django.fixtures import Settings

import project.urls
from calendly_connector.models import Notice
from calendly_connector.services import notices
from project.environment import Environment
from tests.admin.rows import make_some_of_everything
from tests.admin.test_roles import everything_offered
from tests.login.phone import PASSWORD, make_staff

ELSEWHERE = "desk/inside/"
USUAL = r"""["'=]/admin/.*"""  # in a page, at the beginning of an address; /static/admin/ is another matter
BASE = Path(__file__).resolve().parents[2]


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[None]:
    """Serve the admin under another address."""
    settings.ADMIN_PATH = ELSEWHERE
    _read_anew()
    yield
    settings.ADMIN_PATH = "admin/"
    _read_anew()


def _read_anew() -> None:
    importlib.reload(project.urls)
    clear_url_caches()


@pytest.mark.django_db
@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("address", ["/admin/", "/admin", "/admin/login/", "/admin/my-settings/", "/admin/login/code/"])
def test_the_usual_address_is_nowhere(address: str) -> None:
    assert Client().get(address).status_code == 404


STRANGE = ("//evil.example/", "https://evil.example/", "/\\\\evil.example", "javascript:alert(1)", "")


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", STRANGE)
def test_whoever_was_sent_with_a_strange_address_lands_in_the_admin(wanted: str) -> None:
    make_staff()

    answer = Client().post(f"/admin/login/?next={wanted}", {"username": "anna", "password": PASSWORD, "next": wanted})

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


@pytest.mark.django_db
@pytest.mark.usefixtures("elsewhere")
def test_the_log_in_and_every_main_page_is_under_the_other_address() -> None:
    make_staff()
    make_some_of_everything(2)
    browser = Client()
    asked = browser.get(f"/{ELSEWHERE}")
    assert asked["Location"].startswith(f"/{ELSEWHERE}login/")
    answer = browser.post(asked["Location"], {"username": "anna", "password": PASSWORD, "next": f"/{ELSEWHERE}"})
    assert answer["Location"] == f"/{ELSEWHERE}"

    pages = everything_offered(browser)

    assert len(pages) > 60
    told = {address: browser.get(address).content.decode() for address in pages}
    assert {address for address in pages if not address.startswith((f"/{ELSEWHERE}", "/oauth/"))} == set()
    assert {address: found for address, text in told.items() if (found := re.findall(USUAL, text))} == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("elsewhere")
def test_strangers_learn_the_address_from_no_page(settings: Settings) -> None:
    for address in ("/", "/nothing/", "/book/nothing", "/api/v1/people", "/health/live", "/admin/"):
        assert ELSEWHERE.strip("/") not in Client().get(address).content.decode(), address


@pytest.mark.django_db
@pytest.mark.usefixtures("elsewhere")
def test_notices_lead_there(settings: Settings) -> None:
    settings.NOTICE_EMAILS = ["it@example.com"]
    notices._mail("Reconnect needed", "…")

    assert f"http://testserver/{ELSEWHERE}" in mail.outbox[0].body
    assert Notice.objects.count() == 0


@pytest.mark.parametrize(
    ("given", "found"), [("", "admin/"), ("back-office", "back-office/"), ("/a/b/", "a/b/"), ("Desk_1/", "Desk_1/")]
)
def test_slashes_may_be_written_or_not(given: str, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_PATH", given)

    assert Environment(Path("/nonexistent")).folder("ADMIN_PATH", "admin/", taken=("api",)) == found


@pytest.mark.parametrize("given", ["/", "a//b", "a b", "æ", "..", "a/../b", "api", "api/v1/", "a?b", "(a|b)", "%61"])
def test_what_is_no_address_or_is_taken_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_PATH", given)

    with pytest.raises(ImproperlyConfigured, match="ADMIN_PATH is"):
        Environment(Path("/nonexistent")).folder("ADMIN_PATH", "admin/", taken=("api",))


def test_no_code_and_no_template_knows_the_address() -> None:
    files = [*BASE.glob("calendly_connector/**/*.py"), *BASE.glob("project/*.py")]
    files += [*BASE.glob("templates/**/*.html"), *BASE.glob("calendly_connector/static/**/*.js")]

    found = {str(path.relative_to(BASE)) for path in files if re.search(r"""(?<!\w)/admin/""", path.read_text())}

    assert found == set()
    assert reverse("admin:index") == "/admin/"
