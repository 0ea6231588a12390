"""Who joins which list, and with what consent: signed webhook in, Brevo's lists out."""

from typing import Any

import pytest
from django.utils import timezone

from calendly_connector.models import (
    ConsentProof,
    ConsentRule,
    Job,
    Person,
    RateLimit,
    SyncLogEntry,
    TriggerMapping,
)
from calendly_connector.services import mapping, resync, retry
from tests.journeys.river import River

QUESTION = "May we write to you?"
PATH = "/contacts/doubleOptinConfirmation"


@pytest.fixture
def newsletter(river: River) -> int:
    """Return a list that everybody joins who books, consent permitting."""
    number = int(river.brevo.add_list("Newsletter"))
    river.map_lists("booked", join=[number])
    return number


def ask(river: River, mode: str, **fields: Any) -> None:
    ConsentRule.objects.create(connection=river.connection, mode=mode, **fields)


def ask_by_mail(river: River) -> None:
    ask(river, "double_opt_in", template=5, redirect_url="https://example.com/thanks")


def book(river: River, name: str, **fields: Any) -> None:
    river.calendly.book(event_type="Demo", email=f"{name}@example.com", name=f"{name.title()} Berg", **fields)
    river.flow()


def write_again(river: River) -> None:
    resync.sync_again(Person.objects.get(), by="anna")
    river.work()


def entry_of(kind: str) -> SyncLogEntry:
    return SyncLogEntry.objects.get(kind=kind)


def test_only_who_answered_yes_joins_and_the_proof_is_kept(river: River, newsletter: int) -> None:
    ask(river, "answer", question=QUESTION, answer="Yes")

    book(river, "tom", answers={QUESTION: "Yes"})
    book(river, "eve", answers={QUESTION: "No"})

    assert river.contact("tom@example.com")["listIds"] == [newsletter]
    assert river.contact("eve@example.com")["listIds"] == []
    assert river.event_names("eve@example.com") == ["booked"]
    proof = ConsentProof.objects.get()
    assert (proof.person.email, proof.question, proof.answer) == ("tom@example.com", QUESTION, "Yes")
    assert proof.lists == [newsletter]
    refusal = SyncLogEntry.objects.get(person__email="eve@example.com", kind="contact")
    assert "was answered “No”" in refusal.reason


def test_a_booking_that_lets_its_person_join_more_later_has_its_proof_completed(river: River, newsletter: int) -> None:
    ask(river, "answer", question=QUESTION, answer="Yes")
    book(river, "tom", answers={QUESTION: "Yes"})
    other = int(river.brevo.add_list("Offers"))

    TriggerMapping.objects.update(join_lists=[newsletter, other])
    mapping.forget()
    write_again(river)

    assert sorted(river.contact("tom@example.com")["listIds"]) == [newsletter, other]
    assert ConsentProof.objects.get().lists == [newsletter, other]


def test_another_question_of_the_same_booking_is_another_proof(river: River, newsletter: int) -> None:
    ask(river, "answer", question=QUESTION, answer="Yes")
    book(river, "tom", answers={QUESTION: "Yes", "Offers?": "Sure"})
    other = int(river.brevo.add_list("Offers"))

    ConsentRule.objects.update(question="Offers?", answer="Sure")
    TriggerMapping.objects.update(join_lists=[other])
    mapping.forget()
    write_again(river)
    write_again(river)  # and it is told once

    told = ConsentProof.objects.order_by("pk").values_list("question", "answer", "lists")
    assert list(told) == [(QUESTION, "Yes", [newsletter]), ("Offers?", "Sure", [other])]


def test_never_means_event_and_attributes_only(river: River, newsletter: int) -> None:
    ask(river, "never")

    book(river, "tom")

    assert river.contact("tom@example.com")["listIds"] == []
    assert river.contact("tom@example.com")["attributes"]["BOOKING_STATUS"] == "booked"
    assert river.event_names("tom@example.com") == ["booked"]


def test_consent_is_asked_for_although_brevo_answers_faster_than_it_may_be_asked(river: River, newsletter: int) -> None:
    ask_by_mail(river)
    contacts = RateLimit.objects.filter(key__endswith=":contacts")
    contacts.update(interval=0.15)

    river.calendly.book(event_type="Demo", email="tom@example.com")
    river.deliver()
    for _round in range(4):
        river.work()
        Job.objects.filter(state="ready").update(run_after=timezone.now())
        contacts.update(free_at=0.0)

    assert entry_of("opt_in").state == "done"


def test_double_opt_in_joins_with_the_click(river: River, newsletter: int) -> None:
    ask_by_mail(river)

    book(river, "tom")
    before = river.contact("tom@example.com")["listIds"]
    river.brevo.confirm_optin("tom@example.com")

    assert (before, river.contact("tom@example.com")["listIds"]) == ([], [newsletter])
    assert ConsentProof.objects.get().template == 5
    assert entry_of("opt_in").state == "done"


def test_nobody_is_asked_twice(river: River, newsletter: int) -> None:
    ask_by_mail(river)

    book(river, "tom")
    book(river, "tom")

    assert len(river.calls(PATH)) == 1


def test_who_opted_out_of_mail_is_not_asked(river: River, newsletter: int) -> None:
    ask_by_mail(river)
    river.brevo.add_contact("tom@example.com")
    river.brevo.block("tom@example.com")

    book(river, "tom")

    assert river.calls(PATH) == []
    assert (entry_of("opt_in").state, "opted out" in entry_of("opt_in").reason) == ("skipped", True)


def test_who_is_on_the_list_is_not_asked(river: River, newsletter: int) -> None:
    ask_by_mail(river)
    river.brevo.add_contact("tom@example.com", list_ids=[newsletter])

    book(river, "tom")

    assert river.calls(PATH) == []
    assert entry_of("opt_in").state == "done"


def test_refused_request_says_what_to_look_at_and_the_rest_goes_on(river: River, newsletter: int) -> None:
    ask_by_mail(river)
    river.brevo.settings.optin_templates = [99]

    book(river, "tom")

    assert (entry_of("opt_in").state, entry_of("opt_in").cause) == ("failed", "opt_in_refused")
    assert river.event_names("tom@example.com") == ["booked"]


def test_request_whose_answer_was_lost_is_never_repeated_by_itself(river: River, newsletter: int) -> None:
    ask_by_mail(river)
    river.break_brevo("commit_then_reset", PATH)

    book(river, "tom")
    river.hurry()
    river.work()

    assert len(river.calls(PATH)) == 1
    assert (entry_of("opt_in").state, entry_of("opt_in").cause) == ("failed", "opt_in_unknown")


def test_many_people_at_once_are_asked_too(river: River, newsletter: int, settings: Any) -> None:
    settings.PEOPLE_AT_ONCE_FROM = 3
    ask_by_mail(river)
    for name in ("ann", "ben", "cat", "dan"):
        river.calendly.book(event_type="Demo", email=f"{name}@example.com", name=name)

    river.flow()
    river.hurry()
    river.work()

    assert len(river.calls(PATH)) == 4


def wrong_template(river: River) -> None:
    """Ask with a template that Brevo refuses, then correct the mapping."""
    ask_by_mail(river)
    river.brevo.settings.optin_templates = [99]
    book(river, "tom")
    ConsentRule.objects.update(template=99)
    mapping.forget()


def templates(river: River) -> list[int]:
    return [call.body["templateId"] for call in river.calls(PATH)]


def test_who_could_not_be_asked_is_asked_with_the_next_booking(river: River, newsletter: int) -> None:
    wrong_template(river)

    book(river, "tom")
    book(river, "tom")

    assert templates(river) == [5, 99]


def test_a_retry_asks_with_todays_template_and_once(river: River, newsletter: int) -> None:
    wrong_template(river)

    retry.retry_entries(SyncLogEntry.objects.filter(kind="opt_in"))
    river.work()
    book(river, "tom")

    assert templates(river) == [5, 99]
    assert entry_of("opt_in").state == "done"


def test_nobody_is_asked_about_a_list_that_they_have_left_meanwhile(river: River, newsletter: int) -> None:
    ask_by_mail(river)
    river.map_lists("canceled", leave=[newsletter])
    river.break_brevo("status", "/contacts/{identifier}", method="GET", status=503)
    booked = river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg")
    river.flow()

    river.calendly.cancel(booked)
    river.deliver()
    river.mend()
    river.hurry()
    river.work()

    assert river.calls(PATH) == []
    assert entry_of("opt_in").state == "skipped"
