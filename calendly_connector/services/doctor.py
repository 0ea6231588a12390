"""Runs every check that a support person would, and names a remedy for each finding. Changes nothing at the services.

A check is a small function in one of the `doctor_…` modules; a new one is a line of its module's CHECKS, a heading in
docs/repair.md when people complain of something new, and a test that breaks exactly that thing.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db import connection as database
from django.utils.translation import gettext as _

from calendly_connector import masking
from calendly_connector.clients import errors
from calendly_connector.core import diagnosis
from calendly_connector.core.diagnosis import Finding, Level, Symptom, bad, good, unknown
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import connection as connections
from calendly_connector.services import (
    doctor_brevo,
    doctor_calendly,
    doctor_flow,
    doctor_mapping,
    doctor_outside,
    doctor_queue,
    doctor_settings,
    doctor_storage,
)
from calendly_connector.services.doctor_check import BrevoLook, CalendlyLook, Check, NotAsked, Visit
from calendly_connector.services.doctor_mapping import MappingLook

logger = logging.getLogger(__name__)

PATIENT, QUICK = 60.0, 8.0  # seconds: for a terminal, and for a page that somebody waits for
TOKEN = re.compile(r"(/webhooks/(?:calendly|brevo)/)[\w-]+")
"""The last part of a webhook address lets whoever has it post."""

EXPECTED = (errors.ApiError, connections.NotConfigured, SecretUnreadableError, ImproperlyConfigured, DatabaseError)
"""What keeps a check from looking; another check says why."""

About = TypeVar("About")


class Group(StrEnum):
    """What a check looks at."""

    INSTALLATION = "installation"
    CALENDLY = "calendly"
    BREVO = "brevo"
    MAPPING = "mapping"
    FLOW = "flow"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One finding: of which check, and of which connection or account ("" for the installation)."""

    group: Group
    check: str
    subject: str
    finding: Finding


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a visit found, in the order of its checks."""

    lines: Sequence[Line]
    seconds: float
    is_offline: bool

    @property
    def wrong(self) -> list[Line]:
        """Return what has to be mended."""
        return [line for line in self.lines if line.finding.is_wrong]

    @property
    def worst(self) -> Level:
        """Return the worst level found."""
        return diagnosis.worst(line.finding for line in self.lines)


def examine(*, only: Connection | None = None, is_offline: bool = False, seconds: float = PATIENT) -> Report:
    """Return what is well and what is wrong, within about so many seconds; `only` looks at one connection alone.

    `is_offline` calls nobody. Nothing is raised: a check that can't be made is a finding too.
    """
    visit = Visit(seconds=seconds, is_offline=is_offline)
    lines = tuple(_masked(line) for line in _lines(visit, only))
    return Report(lines=lines, seconds=visit.seconds - visit.left, is_offline=is_offline)


def _lines(visit: Visit, only: Connection | None) -> Iterator[Line]:
    answers = _database()
    yield Line(group=Group.INSTALLATION, check="database", subject="", finding=answers)
    if answers.is_wrong:  # the other checks would say the same, each in its own way; but a full disk may be why
        yield from _run([doctor_storage.DISK], visit, visit, Group.INSTALLATION)
        return
    stands = [*_run(doctor_storage.CHECKS, visit, visit, Group.INSTALLATION)]
    yield from (*_run(doctor_settings.CHECKS, visit, visit, Group.INSTALLATION), *stands)
    if any(line.check == "migrations" and line.finding.is_wrong for line in stands):
        return  # tables that the other checks read may not be there
    yield from _run(doctor_queue.CHECKS, visit, visit, Group.INSTALLATION)
    yield from _run([doctor_outside.BROKER, doctor_outside.ADDRESS], visit, visit, Group.INSTALLATION)
    yield from _run_connections(visit, only)
    yield from _run([doctor_outside.CLOCK], visit, visit, Group.INSTALLATION)


def _database() -> Finding:
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        said, _rest, _more = f"{type(error).__name__}: {error}".partition("\n")
        return bad(
            _("The database doesn't answer (%(error)s).") % {"error": said.rstrip(".")},
            _("See that it runs, that DATABASE_URL is right, and that this machine may reach it."),
            Symptom.INSTALLATION,
        )
    return good(_("The database answers."))


def _run_connections(visit: Visit, only: Connection | None) -> Iterator[Line]:
    found = Connection.objects.select_related("brevo_account").defer("brevo_account__api_key").order_by("pk")
    rows = list(found.defer(*connections.SECRETS).filter(**({"pk": only.pk} if only else {})))
    brevo: dict[int, BrevoLook] = {}
    for account in BrevoAccount.objects.filter(connections__in=rows).distinct().order_by("pk"):
        brevo[account.pk] = BrevoLook(visit, account)
        yield from _run(doctor_brevo.CHECKS, brevo[account.pk], visit, Group.BREVO, str(account))
    for row in rows:
        name = str(row)
        yield from _run(doctor_calendly.CHECKS, CalendlyLook(visit, row), visit, Group.CALENDLY, name)
        look = MappingLook(connection=row, brevo=brevo[row.brevo_account_id])
        yield from _run(doctor_mapping.CHECKS, look, visit, Group.MAPPING, name)
        yield from _run(doctor_flow.CHECKS, row, visit, Group.FLOW, name)


def _run(checks: Iterable[Check[About]], about: About, visit: Visit, group: Group, subject: str = "") -> Iterator[Line]:
    for check in checks:
        if check.is_online and visit.is_offline:
            continue
        for finding in _findings(check, about):
            yield Line(group=group, check=check.name, subject=subject, finding=finding)


def _findings(check: Check[About], about: About) -> list[Finding]:
    """Return what a check finds. One that stumbles never stops the others."""
    try:
        return list(check.run(about))
    except NotAsked:
        return [unknown(_("Not looked at: no answer came before, or the time was over."))]
    except (
        errors.ApiError,
        connections.NotConfigured,
        SecretUnreadableError,
        ImproperlyConfigured,
        DatabaseError,
    ) as error:
        return [unknown(_("Couldn't be looked at. %(error)s") % {"error": error})]
    except Exception as error:
        logger.exception("The doctor's check %s failed", check.name)
        remedy = _("This is a fault of the check itself: report it with what the log says.")
        words = _("This check failed itself (%(error)s).") % {"error": type(error).__name__}
        return [bad(words, remedy, Symptom.INSTALLATION)]


def _masked(line: Line) -> Line:
    """Return a line without secrets and people: services say all sorts of things in their refusals."""
    found = line.finding
    clean = replace(found, words=_clean(found.words), remedy=_clean(found.remedy))
    return replace(line, subject=_clean(line.subject), finding=clean)


def _clean(text: str) -> str:
    return TOKEN.sub(r"\1…", masking.without_people(masking.masked(text)))
