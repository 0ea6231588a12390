"""Creates attributes in Brevo: those that the mapping names and Brevo lacks, and new ones for answers."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.core import suggest
from calendly_connector.core.fields import ANSWER_PREFIX
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import accounts, catalogue, setup
from calendly_connector.services import connection as connections
from calendly_connector.services import suggest as suggesting
from calendly_connector.services.field_check import Known

logger = logging.getLogger(__name__)

KINDS = ("text", "date", "float", "boolean")
"""Types that need no options, so that they can be created from here."""
LONGEST_NAME = 50  # brevo-api.md §4.2


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An attribute that could be created. With `is_mapped` a line names it already, and waits for it."""

    name: str
    kind: str
    source: str
    is_mapped: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of creating one attribute; `refusal` is empty when it is there now."""

    name: str
    kind: str
    refusal: str = ""


def wanted(connection: Connection, known: Known) -> list[Wanted]:
    """Return what the mapping names and Brevo lacks, then a proposal for each question that nothing is made of."""
    rows = dict(connection.field_mappings.values_list("attribute", "source"))
    missing = [
        Wanted(name=name, kind=_kind(known, rows[name], kind), source=rows[name], is_mapped=True)
        for name, kind in setup.missing_attributes(connection)
    ]
    return [*missing, *_for_answers(known, rows)]


def create_each(connection: Connection, chosen: Sequence[tuple[str, str]]) -> list[Outcome]:
    """Create attributes (name, type) and read the catalogue again. One that is refused doesn't stop the others.

    What would stop every one of them (a dead key, no answer) ends the attempt, and is said of each that is left.
    """
    account = connection.brevo_account
    try:
        client = connections.brevo_client(account)
    except connections.NotConfigured as error:
        return [Outcome(name=name, kind=kind, refusal=str(error)) for name, kind in chosen]
    outcomes = _create_all(client, chosen)
    if any(not outcome.refusal for outcome in outcomes):
        _read_again(account, client)
    return outcomes


def _create_all(client: BrevoClient, chosen: Sequence[tuple[str, str]]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    obstacle = ""
    for name, kind in chosen:
        refusal, is_general = (obstacle, True) if obstacle else _try(client, name, kind)
        obstacle = refusal if is_general else ""
        outcomes.append(Outcome(name=name, kind=kind, refusal=refusal))
    return outcomes


def _read_again(account: BrevoAccount, client: BrevoClient) -> None:
    """Refresh the catalogue; when it can't be read just now, let the next write read it, before it decides."""
    try:
        catalogue.refresh_attributes(account, client)
    except errors.ApiError as error:
        logger.warning("The attributes can't be read after some were created: %s", error)
        BrevoAccount.objects.filter(pk=account.pk).update(attributes_read_at=None)


def _try(client: BrevoClient, name: str, kind: str) -> tuple[str, bool]:
    """Create an attribute; return why not, if not, and whether that goes for every other one too."""
    try:
        setup.create_attribute(client, name, kind=kind)
    except (errors.Unauthorized, errors.PaymentRequired, errors.Forbidden) as refused:
        return accounts.words_for(refused), True
    except errors.Refused as refused:
        words = _("Brevo refused it: %(error)s") % {"error": refused.body.get("message") or refused}
        return words, False
    except errors.ApiError as error:
        return _("Brevo can't be asked just now; try again. %(error)s") % {"error": error}, True
    return "", False


def _kind(known: Known, source: str, kind: str) -> str:
    return suggest.best_kind(known.answers_to(source)) if source.startswith(ANSWER_PREFIX) else kind


def _for_answers(known: Known, rows: dict[str, str]) -> Iterator[Wanted]:
    taken = {*(known.catalogue or ()), *rows, *setup.BUILT_IN}
    for question in suggesting.unmapped_questions(known, rows.values()):
        source = ANSWER_PREFIX + question
        name = _free(suggest.attribute_name(question), taken)
        taken.add(name)
        kind = suggest.best_kind(known.answers_to(source))
        yield Wanted(name=name, kind=kind, source=source, is_mapped=False)


def _free(name: str, taken: set[str]) -> str:
    """Return the name, with a number when it is taken."""
    names = (name, *(f"{name[: LONGEST_NAME - 3]}_{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)
