"""Keeps the proofs of consents: what was asked and answered, when, and for which lists."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from calendly_connector.core.steps import ConsentProof
from calendly_connector.models import ConsentProof as ConsentProofRow
from calendly_connector.models import Person


def keep(person: Person, proofs: Sequence[ConsentProof]) -> None:
    """Keep why lists were joined, or asked about.

    A consent that was kept before stays as it was, but for the lists that it is given for now, too. Another question,
    answer or template is another consent.
    """
    if not proofs:
        return
    bookings = {row.uri: row.pk for row in person.bookings.filter(uri__in=[proof.booking for proof in proofs])}
    rows = [_row(person, bookings.get(proof.booking), proof) for proof in proofs]
    with transaction.atomic():
        kept = ConsentProofRow.objects.select_for_update().filter(person=person)
        known = {(row.booking_id, row.fingerprint): row for row in kept.defer("question", "answer")}
        for row in rows:
            if found := known.get((row.booking_id, row.fingerprint)):
                _add_lists(found, row.lists)
            else:
                known[row.booking_id, row.fingerprint] = row
        made = [row for row in known.values() if row.pk is None]
        ConsentProofRow.objects.bulk_create(made, ignore_conflicts=True)


def _row(person: Person, booking: int | None, proof: ConsentProof) -> ConsentProofRow:
    row = ConsentProofRow(
        person=person,
        booking_id=booking,
        mode=proof.mode,
        question=proof.question[:300],
        answer=proof.answer,
        template=proof.template or None,
        lists=list(proof.lists),
        given_at=proof.given_at,
    )
    row.fingerprint = row.digest()
    return row


def _add_lists(row: ConsentProofRow, numbers: Iterable[int]) -> None:
    lists = list(dict.fromkeys([*row.lists, *numbers]))
    if lists != row.lists:
        row.lists = lists
        if row.pk is not None:
            row.save(update_fields=["lists"])
