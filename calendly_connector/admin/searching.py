"""Search that stays quick however many rows there are: what is plainly an address is looked up where addresses are."""

from typing import Any

from django.db.models import QuerySet

from calendly_connector.models import Person


def by_address(rows: QuerySet[Any], words: str, *, person: str, invitee: str) -> QuerySet[Any] | None:
    """Return the rows of people whose e-mail holds a word with "@", or of the booking with an invitee's address.

    None for any other words: those are looked for everywhere, from end to end. `person` and `invitee` are the fields
    that lead to the person's key and to the invitee's address.
    """
    word = words.strip()
    if not word or word != "".join(word.split()):
        return None
    if word.startswith("https://") and "/invitees/" in word:
        return rows.filter(**{invitee: word})
    if "@" in word:
        return rows.filter(**{f"{person}__in": Person.objects.filter(email__icontains=word).values("pk")})
    return None
