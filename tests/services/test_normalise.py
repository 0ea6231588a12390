"""What people type: phones become E.164 or nothing, whole names become two."""

from dataclasses import replace

import pytest

from calendly_connector.core.booking import Booking
from calendly_connector.services import normalise
from tests.factories import make_booking


@pytest.mark.parametrize(
    ("typed", "region", "number"),
    [
        ("+33 6 12 34 56 78", "", "+33612345678"),
        ("+33612345678", "DK", "+33612345678"),
        ("33612345678", "", "+33612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("0033 6 12 34 56 78", "FR", "+33612345678"),
        ("0033612345678", "", "+33612345678"),
        ("0033612345678", "US", "+33612345678"),
        ("20 12 34 56", "DK", "+4520123456"),
        ("(212) 555-2368", "US", "+12125552368"),
        ("+1 212-555-2368 ext. 12", "", "+12125552368"),
        ("  +45 20123456 ", "", "+4520123456"),
        ("06 12 34 56 78", "", ""),
        ("20 12 34 56", "", ""),
        ("call me", "FR", ""),
        ("", "FR", ""),
        ("+", "", ""),
        ("+33 1", "", ""),
        ("112", "DK", ""),
        ("06 12 34 56 78", "XX", ""),
        ("1" * 5000, "FR", ""),
        ("+33\x006 12", "", ""),
        ("\u0660\u0661", "FR", ""),
    ],
)
def test_a_phone_becomes_e164_or_nothing(typed: str, region: str, number: str) -> None:
    assert normalise.to_e164(typed, region=region) == number


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Nadia Benali", "Nadia", "Benali"),
        ("Benali, Nadia", "Nadia", "Benali"),
        ("Nadia", "Nadia", ""),
        ("Jens Peter Nielsen", "Jens Peter", "Nielsen"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Dr. Nadia Benali", "Nadia", "Benali"),
        ("李雷", "李雷", ""),
        ("Zoë Ærøskøbing", "Zoë", "Ærøskøbing"),
        ("O'Brien", "O'Brien", ""),
        ("van", "van", ""),
        ("Dr.", "Dr.", ""),
    ],
)
def test_a_whole_name_becomes_two(name: str, first: str, last: str) -> None:
    booking = normalise.with_names(_named(name))

    assert (booking.invitee.first_name, booking.invitee.last_name) == (first, last)
    assert booking.invitee.name == name


def test_names_that_were_given_are_never_guessed_at() -> None:
    booking = make_booking(first_name="Maria da", last_name="Silva Santos")

    assert normalise.with_names(booking) == booking


def test_no_name_stays_none() -> None:
    assert normalise.with_names(_named("")) == _named("")


def test_a_name_without_end_is_split_without_ado() -> None:
    invitee = normalise.with_names(_named("anna " * 300)).invitee

    assert len(invitee.first_name) + len(invitee.last_name) <= normalise.LONGEST_NAME


def _named(name: str) -> Booking:
    booking = make_booking(first_name="", last_name="")
    return replace(booking, invitee=replace(booking.invitee, name=name))
