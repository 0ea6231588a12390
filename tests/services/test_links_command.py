"""`calendly_links` as an operator calls it: from a Brevo list to a link in each contact's attribute, and back."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from calendly_connector.clients import brevo_imports
from calendly_connector.clients.brevo_imports import Process
from calendly_connector.models import (
    BrevoAttribute,
    ContactMirror,
    FieldMapping,
    Job,
    LinkRun,
    Person,
    RateLimit,
    SchedulingLink,
)
from calendly_connector.services import import_reports, links, links_list, links_use, setup
from tests.journeys.river import River

ATTRIBUTE = "BOOKING_LINK"
PEOPLE = 120


@pytest.fixture
def river(installation: River) -> River:
    """Return an installation that is connected."""
    installation.connect()
    installation.sandbox.world.journal.clear()
    return installation


@pytest.fixture
def campaign(river: River) -> int:
    """Return a list of many contacts."""
    return fill(river, PEOPLE)


def test_a_run_ends_although_brevo_answers_faster_than_it_may_be_asked(river: River) -> None:
    number = fill(river, 3)
    river.add_attribute(ATTRIBUTE)
    [uri] = [uri for uri, kind in river.calendly.state.event_types.items() if kind["name"] == "Discovery call"]
    row = links.start(river.connection, links.Wish(event_type=uri, attribute=ATTRIBUTE, list_number=number))
    river.brevo.settings.import_seconds = 0.0  # what is counted is how often it begins, not how long Brevo takes

    for _round in range(50):
        RateLimit.objects.filter(key__endswith=":contacts").update(interval=0.15)
        river.work()
        river.hurry()
        row.refresh_from_db()
        if row.finished_at:
            break

    assert (row.state, row.written) == ("finished", 3)


def test_looking_waits_for_its_turn_among_the_calls_to_brevo(river: River) -> None:
    number = fill(river, 3)
    RateLimit.objects.filter(key__endswith=":contacts").update(interval=0.15)  # as while a worker writes, too

    told = json.loads(run("--brevo-list", str(number), "--dry-run", "--json"))

    assert told["to_make"] == 3


def fill(river: River, count: int) -> int:
    number = river.brevo.add_list("Campaign")
    for each in range(count):
        names = {"FIRSTNAME": f"Ada {each}", "LASTNAME": "Ødegård"}
        river.brevo.add_contact(f"p{each}@example.com", names, list_ids=[number])
    return number


def run(*arguments: str, event_type: str = "Discovery call") -> str:
    """Run the command and return what it prints."""
    out = StringIO()
    call_command("calendly_links", "--event-type", event_type, *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def report(number: int, *arguments: str) -> dict[str, Any]:
    """Run the command for a list, asking nothing, and return its report."""
    told: dict[str, Any] = json.loads(run("--brevo-list", str(number), "--yes", "--json", *arguments))
    return told


def link_in_brevo(river: River, email: str, attribute: str = ATTRIBUTE) -> str:
    return str(river.contact(email)["attributes"].get(attribute, ""))


def query_of(address: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def links_made(river: River) -> int:
    return len(river.sandbox.world.journal.calls("calendly", method="POST", template="/scheduling_links"))


def book(river: River, email: str, address: str, **details: Any) -> str:
    """Book through a link as Calendly's own page does, and let the webhook come."""
    given = query_of(address)
    tracking = {name: given.get(name) for name in ("utm_campaign", "utm_source", "utm_medium", "utm_content")}
    uri = river.calendly.book(email=email, tracking=tracking, **details)
    river.flow()
    return uri


def test_everybody_on_a_list_gets_a_link_of_their_own(river: River, campaign: int) -> None:
    told = report(campaign, "--utm-source", "brevo", "--utm-campaign", "spring")

    assert (told["state"], told["wanted"], told["made"], told["written"]) == ("finished", PEOPLE, PEOPLE, PEOPLE)
    addresses = [link_in_brevo(river, f"p{each}@example.com") for each in range(PEOPLE)]
    assert len({address.split("?")[0] for address in addresses}) == PEOPLE == links_made(river)
    assert len(river.calls("/contacts/import")) == 1
    link = SchedulingLink.objects.get(email="p7@example.com")
    assert query_of(addresses[7]) == {
        "name": "Ada 7 Ødegård",
        "email": "p7@example.com",
        "utm_source": "brevo",
        "utm_campaign": "spring",
        "utm_content": link.tag,
    }
    assert (link.state, link.url, bool(link.written_at)) == ("live", addresses[7].split("?")[0], True)
    assert link.expires_at and link.made_at and link.expires_at - link.made_at == timedelta(days=89)
    assert told["snippet"].startswith("<a href=\"{{ contact.BOOKING_LINK|default:'https://calendly.com/")
    assert river.contact("p7@example.com")["listIds"] == [campaign]  # of our own list of imports nothing is left


def test_nobody_gets_a_second_link_while_the_first_can_be_used(river: River, campaign: int) -> None:
    report(campaign)
    river.sandbox.world.journal.clear()

    words = run("--brevo-list", str(campaign), "--yes")
    assert words.endswith(f"e-mail editor:\n{links.snippet(LinkRun.objects.latest('pk'))}\n")
    for more in ((), ("--refill",)):
        told = report(campaign, *more)

        assert (told["wanted"], told["made"], told["written"]) == (0, 0, 0)
        assert told["left_out"] == {links_list.HAS_ONE: PEOPLE}
    assert links_made(river) == 0
    assert river.calls("/contacts/import") == []


def test_who_opted_out_gets_none(river: River) -> None:
    number = fill(river, 5)
    river.brevo.block("p1@example.com")
    river.brevo.unsubscribe("p2@example.com", [number])
    person = Person.objects.create(connection=river.connection, email="p3@example.com")
    ContactMirror.objects.create(person=person, opt_out="complained", opted_out_at=timezone.now())

    told = report(number)

    members = river.brevo.list_members(number)
    assert told["left_out"] == {links_list.OPTED_OUT: 2 + ("p2@example.com" in members)}
    assert set(SchedulingLink.objects.values_list("email", flat=True)) == {"p0@example.com", "p4@example.com"}
    assert river.contact("p1@example.com")["emailBlacklisted"] is True
    assert [link_in_brevo(river, f"p{each}@example.com") for each in (1, 2, 3)] == ["", "", ""]


def test_a_booking_made_with_a_link_uses_it_up_and_a_refill_makes_another(river: River) -> None:
    number = fill(river, 3)
    report(number)
    before = link_in_brevo(river, "p0@example.com")

    uri = book(river, "p0@example.com", before)

    link = SchedulingLink.objects.get(email="p0@example.com")
    assert (link.state, link.booking.uri if link.booking else "", bool(link.used_at)) == ("used", uri, True)
    told = report(number)
    assert (told["made"], told["left_out"]) == (0, {links_list.HAD_ONE: 1, links_list.HAS_ONE: 2})

    told = report(number, "--refill")

    assert (told["made"], told["written"]) == (1, 1)
    assert link_in_brevo(river, "p0@example.com").split("?")[0] not in ("", before.split("?")[0])


def test_a_link_that_somebody_else_books_with_is_used_up_too(river: River) -> None:
    number = fill(river, 1)
    report(number)

    book(river, "friend@example.com", link_in_brevo(river, "p0@example.com"))

    link = SchedulingLink.objects.select_related("booking__person").get()
    assert (link.state, link.email) == ("used", "p0@example.com")
    assert link.booking and link.booking.person.email == "friend@example.com"


def test_a_move_and_a_copied_tag_change_nothing(river: River) -> None:
    number = fill(river, 1)
    report(number)
    address = link_in_brevo(river, "p0@example.com")
    first = book(river, "p0@example.com", address)

    river.calendly.move(first)
    river.flow()
    book(river, "friend@example.com", address)

    link = SchedulingLink.objects.get()
    assert (link.state, link.booking.uri if link.booking else "") == ("used", first)


def test_a_link_expires_and_is_refilled(river: River) -> None:
    number = fill(river, 2)
    report(number)
    SchedulingLink.objects.filter(email="p0@example.com").update(expires_at=timezone.now())

    assert links_use.expire_all() == "1 links have expired"

    assert report(number, "--refill")["made"] == 1
    assert sorted(SchedulingLink.objects.filter(email="p0@example.com").values_list("state", flat=True)) == [
        "expired",
        "live",
    ]


def test_a_booking_through_an_expired_link_still_counts(river: River) -> None:
    number = fill(river, 1)
    report(number)
    address = link_in_brevo(river, "p0@example.com")
    SchedulingLink.objects.update(state="expired")

    book(river, "p0@example.com", address)

    assert SchedulingLink.objects.get().state == "used"


def test_a_link_that_brevo_lost_is_written_again_and_not_made_again(river: River) -> None:
    number = fill(river, 3)
    report(number)
    river.brevo.delete_contact("p1@example.com")
    river.brevo.add_contact("p1@example.com", list_ids=[number])
    river.sandbox.world.journal.clear()

    told = report(number)

    assert (told["made"], told["written"]) == (0, 1)
    assert links_made(river) == 0
    link = SchedulingLink.objects.get(email="p1@example.com")
    assert link_in_brevo(river, "p1@example.com").startswith(link.url)


def test_another_attribute_gets_the_same_link(river: River) -> None:
    number = fill(river, 2)
    report(number)

    told = report(number, "--attribute", "second_link")

    assert (told["made"], told["written"]) == (0, 2)
    first, second = (link_in_brevo(river, "p0@example.com", name) for name in (ATTRIBUTE, "SECOND_LINK"))
    assert first.split("?")[0] == second.split("?")[0]


def test_what_brevo_refuses_is_counted_by_its_cause(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    number = fill(river, 2)
    refused = {"invalid_emails": {"p0@example.com"}}
    monkeypatch.setattr(import_reports, "refused_emails", lambda client, process, among, renew: refused)

    told = report(number)

    assert (told["made"], told["written"]) == (2, 1)
    assert told["left_out"] == {"refused by Brevo: invalid_emails": 1}


def test_links_of_an_import_that_does_not_say_whom_it_refused_are_not_taken_for_written(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = fill(river, 2)
    over = Process(id=1, status="completed", reports={}, counted=1)
    monkeypatch.setattr(brevo_imports, "_process", lambda data, number: over)

    told = report(number)

    assert (told["made"], told["written"]) == (2, 0)
    assert told["left_out"] == {"refused by Brevo: not named": 2}


def test_a_dry_run_tells_count_quota_and_time_and_changes_nothing(river: River, campaign: int) -> None:
    river.calendly.settings.requests_per_minute = 50

    told = json.loads(run("--brevo-list", "campaign", "--dry-run", "--json"))
    words = run("--brevo-list", str(campaign), "--dry-run")

    assert (told["contacts"], told["to_make"], told["calls"], told["is_attribute_missing"]) == (120, 120, 120, True)
    assert (told["per_minute"], told["minutes"]) == (50, 3)
    assert "Contacts on the list: 120. Links to make for “Discovery call”: 120." in words
    assert "Calls to Calendly: 120, of which 50 a minute are allowed: about 3 minutes" in words
    assert "Brevo has no attribute BOOKING_LINK yet" in words
    assert not SchedulingLink.objects.exists()
    assert not LinkRun.objects.exists()
    assert river.calls() == []


def test_one_link_is_made_at_once_and_printed(river: River) -> None:
    address = run("--email", " Nadia@Example.com", "--name", "Nadia", "--utm-source", "mail").strip()

    link = SchedulingLink.objects.get()
    assert address.startswith(f"{link.url}?")
    assert query_of(address)["utm_content"] == link.tag
    assert (link.email, link.state, link.name) == ("nadia@example.com", "live", "Nadia")
    assert run("--email", "nadia@example.com", "--utm-source", "mail").strip() == address
    assert links_made(river) == 1
    assert river.calls() == []


def test_one_link_is_written_to_its_contact_when_an_attribute_is_named(river: River) -> None:
    river.brevo.add_contact("nadia@example.com")

    told = json.loads(run("--email", "nadia@example.com", "--attribute", ATTRIBUTE, "--yes", "--json"))

    assert link_in_brevo(river, "nadia@example.com") == told["link"]
    assert LinkRun.objects.get().state == "finished"


@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (["--brevo-list", "Nonsense", "--yes"], "There are: ", 1),
        (["--brevo-list", "Campaign", "--json"], "add --yes", 2),
        (["--brevo-list", "Campaign"], "Add --yes to say so", 2),
        (["--brevo-list", "Campaign", "--yes", "--attribute", "PRENOM"], "can't hold links", 1),
        (["--brevo-list", "Campaign", "--yes", "--attribute", "NO SPACES"], "can't hold links", 1),
        (["--brevo-list", "Campaign", "--yes", "--attribute", "COMPANY"], "mapping of fields writes COMPANY", 1),
        (["--brevo-list", "Campaign", "--yes", "--attribute", "WHEN"], "of the type date", 1),
        (["--email", "nobody"], "no e-mail address", 2),
    ],
)
def test_what_can_not_be_done_is_said_and_nothing_begins(
    river: River, arguments: list[str], words: str, status: int
) -> None:
    fill(river, 1)
    river.add_attribute("WHEN", type="date")
    FieldMapping.objects.get_or_create(connection=river.connection, attribute="COMPANY", defaults={"source": "name"})

    with pytest.raises(CommandError, match=words) as refused:
        run(*arguments)

    assert refused.value.returncode == status
    assert not LinkRun.objects.exists()
    assert links_made(river) == 0


def test_an_unknown_event_type_is_wrong_usage(river: River) -> None:
    with pytest.raises(CommandError, match="There is no event type") as refused:
        run("--email", "a@example.com", event_type="Nonsense")

    assert refused.value.returncode == 2


def test_an_event_type_that_is_off_is_refused(river: River) -> None:
    kind = next(kind for kind in river.calendly.state.event_types.values() if kind["name"] == "Discovery call")
    kind["active"] = False

    with pytest.raises(CommandError, match="switched off in Calendly"):
        run("--brevo-list", str(fill(river, 1)), "--yes")


def test_two_campaigns_do_not_run_into_each_other(river: River) -> None:
    number = fill(river, 2)
    uri = next(uri for uri, kind in river.calendly.state.event_types.items() if kind["name"] == "Discovery call")
    row = links.start(river.connection, links.Wish(event_type=uri, attribute="OTHER", list_number=number))
    links.pause(row)

    with pytest.raises(CommandError, match="Other links"):
        report(number)


def test_a_token_without_the_scope_pauses_with_words(river: River) -> None:
    number = fill(river, 2)
    river.break_calendly(
        "status", "/scheduling_links", method="POST", status=403,
        body={"title": "Insufficient scope", "message": "…", "required_scopes": ["scheduling_links:write"]},
    )  # fmt: skip

    with pytest.raises(CommandError, match="lacks the scope scheduling_links:write"):
        report(number)

    row = LinkRun.objects.get()
    assert row.state == "paused"
    river.connection.refresh_from_db()
    assert [each.feature for each in setup.capabilities_of(river.connection) if not each.works] == [
        "Single-use links for campaigns and no-shows"
    ]
    river.mend()
    assert report(number)["made"] == 2
    assert LinkRun.objects.get().state == "finished"


def test_a_lost_answer_makes_another_and_nobody_has_two(river: River) -> None:
    number = fill(river, 4)
    river.break_calendly("commit_then_reset", "/scheduling_links", method="POST")

    told = report(number)

    assert (told["made"], links_made(river)) == (4, 5)
    assert SchedulingLink.objects.filter(state="live").count() == 4


def test_a_canceled_run_leaves_what_was_made_to_the_next(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    number = fill(river, 3)
    report(number)
    row = LinkRun.objects.get()
    LinkRun.objects.update(state="paused", finished_at=None)
    SchedulingLink.objects.filter(email="p0@example.com").update(state="wanted", url="", written_at=None)

    assert links.cancel(row)

    assert not SchedulingLink.objects.filter(state="wanted").exists()
    assert report(number)["made"] == 1
    assert not Job.objects.filter(kind="links").exists()


def test_an_attribute_that_goes_meanwhile_pauses_it(river: River) -> None:
    number = fill(river, 1)
    report(number)
    uri = SchedulingLink.objects.get().event_type
    SchedulingLink.objects.all().delete()
    row = links.start(river.connection, links.Wish(event_type=uri, attribute="GONE_BY_NOW", list_number=number))

    river.work()

    row.refresh_from_db()
    assert (row.state, row.made, row.written) == ("paused", 1, 0)
    assert "no attribute GONE_BY_NOW any more" in row.words
    assert not BrevoAttribute.objects.filter(name="GONE_BY_NOW").exists()
