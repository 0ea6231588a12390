"""Tidies what people typed: phone numbers to E.164, one name field to two. Guesses nothing that was given."""

from dataclasses import replace
from functools import partial

import phonenumbers
from nameparser import HumanName

from calendly_connector.core.booking import Booking

LONGEST_NAME = 250  # no name is longer, and the parser's time grows with the square


def to_e164(number: str, *, region: str = "") -> str:
    """Return a phone number such as +33612345678, or "" when it is none.

    `region` is the country of numbers written without a country code ("DK"); extensions are dropped.
    """
    text = number.strip()
    for candidate in (text, f"+{text}", f"+{text.removeprefix('00')}"):  # some write 33612345678 or 0033612345678
        try:
            parsed = phonenumbers.parse(candidate, region or None)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return ""


def e164_for(region: str) -> partial[str]:
    """Return `to_e164` for numbers of one country."""
    return partial(to_e164, region=region)


def with_names(booking: Booking) -> Booking:
    """Return the booking with first and last name, split from the whole name when Calendly has no parts."""
    invitee = booking.invitee
    if invitee.first_name or invitee.last_name or not invitee.name:
        return booking
    parsed = HumanName(invitee.name[:LONGEST_NAME])
    first = " ".join(part for part in (parsed.first, parsed.middle) if part)
    if not first:  # one word only: the parser calls some of them a last name
        return replace(booking, invitee=replace(invitee, first_name=invitee.name))
    return replace(booking, invitee=replace(invitee, first_name=first, last_name=parsed.last))


def is_region(region: str) -> bool:
    """Return whether phone numbers are known by this country's two letters ("DK")."""
    return region in phonenumbers.SUPPORTED_REGIONS
