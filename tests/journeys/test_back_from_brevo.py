"""What is done in Brevo comes back by its webhooks, and nothing of it is undone by whatever we write next."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.core.replay import Wish
from calendly_connector.models import BrevoDelivery, BulkImport, ContactMirror, Person, SyncLogEntry, WebhookDelivery
from calendly_connector.services import brevo_listen, bulk, clock, queue, receive, redo, resync, sync
from tests.journeys.listener import Listener
from tests.journeys.river import River
from tests.sandbox.brevo_api import wait_until

EMAIL = "tom@example.com"


class Told:
    """A river whose Brevo tells us what happens there."""

    def __init__(self, river: River) -> None:
        self.river, self.brevo = river, river.brevo
        outcome = brevo_listen.listen(river.account)
        assert outcome.is_listening, outcome.words
        river.sandbox.world.journal.clear()

    def book(self) -> str:
        """Let Tom book, let everything flow, and return the booking."""
        booked = self.river.calendly.book(event_type="Demo", email=EMAIL, name="Tom Berg")
        self.flow()
        return booked

    def flow(self) -> None:
        """Deliver what Calendly and Brevo have to say, and do the work."""
        self.river.flow()
        self.hear()

    def hear(self) -> None:
        """Wait until Brevo has posted all that it has to say, and take it in."""
        wait_until(lambda: not self.brevo.has_news())
        self.river.work()

    def person_in_ledger(self) -> None:
        """Let Tom be somebody whom we know and have never written."""
        Person.objects.create(connection=self.river.connection, email=EMAIL)

    def later(self, seconds: float = 1.1) -> None:
        """Let Brevo's clock, which tells whole seconds, move on."""
        time.sleep(seconds)

    def unsubscribe(self, lists: list[int] | None = None) -> None:
        """Unsubscribe Tom in Brevo, by a mail's link."""
        self.brevo.unsubscribe(EMAIL, lists)
        self.hear()

    def delete(self) -> None:
        """Delete Tom's contact in Brevo."""
        self.brevo.delete_contact(EMAIL)
        self.hear()
        assert self.mirror.deleted_at

    @property
    def person(self) -> Person:
        """Return Tom as he is now."""
        return Person.objects.get(email=EMAIL)

    @property
    def mirror(self) -> ContactMirror:
        """Return what Brevo told of Tom."""
        return ContactMirror.objects.get(person__email=EMAIL)

    def writes(self) -> list[dict[str, object]]:
        """Return the bodies of all writes of contacts since the last look, and forget the calls."""
        bodies = [call.body for call in self.river.calls("/contacts")]
        self.river.sandbox.world.journal.clear()
        return bodies

    def newest(self, kind: str = "contact") -> SyncLogEntry:
        """Return Tom's newest step of a kind."""
        return SyncLogEntry.objects.filter(person=self.person, kind=kind).latest("pk")


@pytest.fixture
def told(river: River, settings: Settings) -> Iterator[Told]:
    """Return a river with a real address that Brevo posts to."""
    listener = Listener()
    settings.PUBLIC_URL = listener.url
    yield Told(river)
    wait_until(lambda: not river.brevo.has_news())
    listener.switch_off()


# -- Opt-outs ---------------------------------------------------------------------------------------------------


def test_who_unsubscribes_cancels_and_books_again_is_not_put_back_on_the_list(told: Told, river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    river.map_lists("canceled", leave=[number])
    booked = told.book()
    assert river.contact(EMAIL)["listIds"] == [number]

    told.later()
    told.unsubscribe()
    river.calendly.cancel(booked)
    told.flow()
    told.book()

    contact = river.contact(EMAIL)
    assert (contact["listIds"], contact["emailBlacklisted"]) == ([], True)
    assert contact["attributes"]["BOOKING_STATUS"] == "booked"
    assert river.event_names(EMAIL) == ["booked", "canceled", "booked"]
    assert told.mirror.opt_out == "unsubscribed"
    assert told.newest().state == "done"
    assert f"Not joined: lists #{number}, because the person unsubscribed in Brevo." in told.newest().reason
    assert told.person.list_operations == {str(number): "leave"}


def test_who_left_one_list_only_joins_others_but_never_that_one(told: Told, river: River) -> None:
    news, demos = river.brevo.add_list("News"), river.brevo.add_list("Demos")
    river.map_lists("booked", join=[news])
    river.map_lists("canceled", leave=[news])
    river.map_lists("rescheduled", join=[news, demos])
    booked = told.book()
    told.later()
    told.unsubscribe([news])
    river.calendly.cancel(booked)
    told.flow()
    told.later()
    second = told.book()  # this write comes back as "not blocked", so only the one list is closed
    told.later()

    river.calendly.move(second)
    told.flow()

    contact = river.contact(EMAIL)
    assert (contact["listIds"], contact["listUnsubscribed"]) == ([demos], [news])
    assert told.mirror.opt_out == ""
    assert told.mirror.unsubscribed_lists == [news]


def test_an_account_that_does_not_mind_opt_outs_joins_as_before_and_shows_them(told: Told, river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    type(river.account).objects.update(follows_opt_outs=False)
    river.brevo.add_contact(EMAIL)
    told.person_in_ledger()
    told.unsubscribe([number])
    assert told.mirror.opt_out == "unsubscribed"

    told.book()  # a second later, this write would come back as "not blocked", and end that

    assert river.contact(EMAIL)["listIds"] == [number]
    assert told.mirror.unsubscribed_lists == [number]


@pytest.mark.parametrize(("reason", "opt_out"), [("hardBounce", "bounced"), ("spam", "complained")])
def test_bounces_and_complaints_keep_people_off_lists_too(told: Told, river: River, reason: str, opt_out: str) -> None:
    told.book()
    number = river.brevo.add_list("Demos")
    river.brevo.block(EMAIL, reason)
    told.hear()
    river.map_lists("booked", join=[number])

    told.book()

    assert told.mirror.opt_out == opt_out
    assert river.contact(EMAIL)["listIds"] == []


def test_an_import_of_many_joins_only_those_who_did_not_opt_out(told: Told, river: River, settings: Settings) -> None:
    settings.PEOPLE_AT_ONCE_FROM = 3
    told.book()
    told.unsubscribe()
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    for name in ("ada", "bob", "eve"):
        river.calendly.book(event_type="Demo", email=f"{name}@example.com", name=name)
    river.calendly.book(event_type="Demo", email=EMAIL, name="Tom Berg")
    river.deliver()
    _import_everybody(river)

    assert sorted(river.brevo.list_members(number)) == ["ada@example.com", "bob@example.com", "eve@example.com"]
    assert river.contact(EMAIL)["emailBlacklisted"] is True
    assert "Not joined" in told.newest().reason
    assert "imported with others" in told.newest().summary


def _import_everybody(river: River) -> None:
    """Take in all deliveries, gather the crowd before anybody is written alone, and see it through."""
    river.brevo.settings.import_seconds = 0.0
    for number in WebhookDelivery.objects.filter(state="stored").values_list("pk", flat=True):
        sync.take_in(number)
    bulk.gather(river.account.pk, lambda: None)
    assert max(BulkImport.objects.values_list("people_count", flat=True)) == 3
    for _turn in range(8):
        river.hurry()
        river.work()


# -- Deletions --------------------------------------------------------------------------------------------------


def test_a_contact_deleted_in_brevo_is_not_made_again_by_the_clock(told: Told, river: River) -> None:
    start = timezone.now() - timedelta(days=3)
    told.book()
    told.delete()
    told.writes()
    Person.objects.update(clock_at=start, pushed_digest="something else")

    clock.turn(told.person.pk)
    told.flow()

    assert river.brevo.contact(EMAIL) is None
    assert told.writes() == []
    assert told.newest().state == "skipped"
    assert "deleted in Brevo on" in told.newest().reason
    assert told.person.clock_at != start


def test_neither_a_cancellation_nor_its_event_brings_a_deleted_contact_back(told: Told, river: River) -> None:
    booked = told.book()
    told.delete()

    river.calendly.cancel(booked)
    told.flow()

    assert river.brevo.contact(EMAIL) is None
    assert river.calls("/contacts") != []  # the booking's
    assert [step.state for step in river.log(kind="event")] == ["done", "skipped"]
    assert told.newest("event").reason == told.newest().reason
    assert river.brevo.events(name="calendly_meeting_canceled") == []


def test_replays_and_wishes_for_many_leave_a_deleted_contact_alone(told: Told, river: River) -> None:
    told.book()
    told.delete()
    told.writes()
    rows = [step.pk for step in river.log()]

    redo.redo_now(rows, wish=Wish(is_today=True, sends_again=True))
    told.flow()
    resync.sync_again(told.person, by="anna", makes_anew=False)
    told.flow()

    assert river.brevo.contact(EMAIL) is None
    assert told.writes() == []
    assert not SyncLogEntry.objects.filter(state__in=["waiting", "failed"]).exists()


def test_an_import_of_many_leaves_a_deleted_contact_alone(told: Told, river: River, settings: Settings) -> None:
    settings.PEOPLE_AT_ONCE_FROM = 3
    booked = told.book()
    told.delete()
    for name in ("ada", "bob", "eve"):
        river.calendly.book(event_type="Demo", email=f"{name}@example.com", name=name)
    river.calendly.cancel(booked)
    river.deliver()

    _import_everybody(river)

    assert sorted(each["email"] for each in river.brevo.contacts()) == [
        "ada@example.com",
        "bob@example.com",
        "eve@example.com",
    ]
    assert told.newest().state == "skipped"


def test_a_booking_made_after_the_deletion_brings_the_contact_back(told: Told, river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    told.book()
    told.delete()
    told.later()
    told.writes()

    told.book()

    (written,) = told.writes()
    assert "emailBlacklisted" not in written
    assert river.contact(EMAIL)["emailBlacklisted"] is False
    assert told.mirror.deleted_at is None
    assert "was made anew" in told.newest().reason
    assert river.contact(EMAIL)["listIds"] == [number]
    assert river.event_names(EMAIL)[-1] == "booked"


def test_somebody_who_had_opted_out_comes_back_opted_out(told: Told, river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    told.book()
    told.unsubscribe()
    told.later()
    told.delete()
    told.later()
    told.writes()

    told.book()
    (written,) = told.writes()
    told.book()
    (following,) = told.writes()

    assert written["emailBlacklisted"] is True
    assert "emailBlacklisted" not in following
    assert river.contact(EMAIL)["emailBlacklisted"] is True
    assert told.mirror.opt_out == "unsubscribed"
    assert (
        "The opt-out was recorded once more" in SyncLogEntry.objects.filter(request__records_opt_out=True).get().reason
    )


def test_somebody_who_had_opted_out_goes_alone_when_many_are_imported(
    told: Told, river: River, settings: Settings
) -> None:
    settings.PEOPLE_AT_ONCE_FROM = 3
    told.book()
    told.unsubscribe()
    told.delete()
    told.later()
    for email in ("ada@example.com", "bob@example.com", "eve@example.com", EMAIL):
        river.calendly.book(event_type="Demo", email=email, name="Somebody")
    river.deliver()

    _import_everybody(river)

    blocked = {each["email"]: each["emailBlacklisted"] for each in river.brevo.contacts()}
    assert blocked == {"ada@example.com": False, "bob@example.com": False, "eve@example.com": False, EMAIL: True}


def test_staff_who_ask_for_this_very_person_get_the_contact_back(told: Told, river: River) -> None:
    told.book()
    told.delete()

    entry = resync.sync_again(told.person, by="anna")
    told.flow()

    entry.refresh_from_db()
    assert entry.state == "done"
    assert river.contact(EMAIL)["attributes"]["LASTNAME"] == "Berg"
    assert told.mirror.deleted_at is None
    assert river.event_names(EMAIL) == ["booked"]  # nothing is sent twice


def test_after_it_came_back_the_contact_is_written_as_ever(told: Told, river: River) -> None:
    told.book()
    told.delete()
    told.later()
    booked = told.book()

    river.calendly.cancel(booked)
    told.flow()

    assert told.newest().state == "done"
    assert river.event_names(EMAIL)[-1] == "canceled"


def test_what_was_skipped_says_when_and_how_it_comes_back(told: Told, river: River) -> None:
    booked = told.book()
    told.delete()

    river.calendly.cancel(booked)
    told.flow()

    day = datetime.fromtimestamp(int(time.time()), UTC).date()
    assert told.newest().reason == (
        f"This contact was deleted in Brevo on {day}. It comes back when the person books again, or with “Sync again” "
        "on their page."
    )


def test_an_opt_out_that_a_write_lost_before_we_heard_of_the_deletion_is_recorded(told: Told, river: River) -> None:
    booked = told.book()
    told.unsubscribe()
    told.later()
    river.brevo.delete_contact(EMAIL)
    _let_news_wait(told)
    told.later(1.5)
    river.calendly.cancel(booked)
    river.deliver()
    _work_but_for_news(river)
    assert river.contact(EMAIL)["emailBlacklisted"] is False

    told.hear()

    assert river.contact(EMAIL)["emailBlacklisted"] is True
    assert told.mirror.deleted_at is None


def _let_news_wait(told: Told) -> None:
    """Let what Brevo posts be stored, and not be looked at yet."""
    wait_until(lambda: not told.brevo.has_news())
    assert BrevoDelivery.objects.filter(state="stored").update(state="ignored")


def _work_but_for_news(river: River) -> None:
    """Do all work, and then let the deletion that waited be looked at."""
    river.work()
    (waited,) = [row for row in BrevoDelivery.objects.all() if b"contact_deleted" in bytes(row.body)]
    BrevoDelivery.objects.filter(pk=waited.pk).update(state="stored")
    queue.enqueue(receive.TAKE_IN_NEWS, river.account.pk)


# -- No loops ---------------------------------------------------------------------------------------------------


def test_our_own_writes_come_back_as_news_and_lead_to_no_call(told: Told, river: River) -> None:
    booked = told.book()
    told.later()
    river.calendly.cancel(booked)
    told.flow()
    calls = len(river.sandbox.world.journal.calls("brevo"))

    for _time in range(3):
        told.hear()
        river.hurry()
        river.work()

    words = [posted["body"]["event"] for posted in river.brevo.state.deliveries]
    assert "contact_updated" in words
    assert set(BrevoDelivery.objects.values_list("state", flat=True)) == {"processed"}
    assert len(river.sandbox.world.journal.calls("brevo")) == calls
    assert told.mirror.attributes["BOOKING_STATUS"] == "cancelled"
    assert not SyncLogEntry.objects.exclude(state__in=["done", "merged"]).exists()
