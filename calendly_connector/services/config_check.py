"""Is what a configuration file names there? Errors for what can't work, warnings for what looks wrong today.

What the catalogues don't know is a warning only: a file may be imported before they are read.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from calendly_connector import conf
from calendly_connector.core.config_file import SECRETS, Config
from calendly_connector.core.config_reader import Mention, Path, Problem
from calendly_connector.core.rules import ConsentMode
from calendly_connector.models import BrevoList, Connection, EventType
from calendly_connector.services import mapping_check, normalise, zones

NEEDED = {ConsentMode.ANSWER: ("question", "answer"), ConsentMode.DOUBLE_OPT_IN: ("template", "redirect_url")}
"""What a consent rule of this mode can't do without."""


def check(connection: Connection, config: Config, mentions: Iterable[Mention]) -> list[Problem]:
    """Return what is wrong with the things that a file names, each at its place."""
    found = _Check(connection)
    for each in mentions:
        found.judge(each)
    found.judge_logging(config)
    return found.problems


class _Check:
    """Judges one thing after another by catalogues that are read once."""

    def __init__(self, connection: Connection) -> None:
        account = connection.brevo_account_id
        self._connection = connection
        self._types = set(EventType.objects.filter(connection=connection).values_list("uri", flat=True))
        self._lists = set(BrevoList.objects.filter(account=account).values_list("number", flat=True))
        self._catalogue = mapping_check.catalogue_of(connection)
        self.problems: list[Problem] = []
        self._judges: Mapping[str, Callable[[Any, Path], None]] = {
            "timezone": self._timezone,
            "phone_region": self._region,
            "event_type": self._event_type,
            "lists": self._list_numbers,
            "event_name": lambda name, path: self._refuse(path, mapping_check.event_name_error(name)),
            "field": self._field,
            "consent": self._consent,
        }

    def judge(self, mention: Mention) -> None:
        """Keep what is wrong with a thing."""
        if mention.kind in SECRETS:
            self._secret(mention.kind, mention.value, mention.path)
        else:
            self._judges[mention.kind](mention.value, mention.path)

    def judge_logging(self, config: Config) -> None:
        """Say what the whole installation's log would need: no connection sets it."""
        place: Path = ("connectors", "calendly")
        level = logging.getLogger().getEffectiveLevel()
        if config.log_level and logging.getLevelNamesMapping()[config.log_level] != level:
            words = gettext_noop("The log is the whole installation's: set LOG_LEVEL=%(level)s and restart.")
            self._warn((*place, "log_level"), words, level=config.log_level)
        if config.log_webhooks is not None and config.log_webhooks is not conf.logs_webhooks():
            words = gettext_noop("The log is the whole installation's: set LOG_WEBHOOKS=%(flag)s and restart.")
            self._warn((*place, "log_webhooks"), words, flag=str(config.log_webhooks).lower())

    def _refuse(self, path: Path, words: str) -> None:
        if words:
            self.problems.append(Problem(path=path, words="%(words)s", values={"words": words}))

    def _warn(self, path: Path, words: str, **values: object) -> None:
        self.problems.append(Problem(path=path, words=words, values=values, is_error=False))

    def _timezone(self, name: str, path: Path) -> None:
        if name not in zones.known():
            self._refuse(path, _("“%(name)s” is no time zone. Write it as Europe/Paris.") % {"name": name})

    def _region(self, region: str, path: Path) -> None:
        if region and not normalise.is_region(region):
            self._refuse(path, _("“%(region)s” is no country. Write two letters, such as DK.") % {"region": region})

    def _event_type(self, uri: str, path: Path) -> None:
        if uri and uri not in self._types:
            self._warn(path, gettext_noop("This event type is not among those that we read from Calendly."))

    def _list_numbers(self, numbers: list[int], path: Path) -> None:
        for place, number in enumerate(numbers):
            if number not in self._lists:
                words = gettext_noop("List #%(number)s is not among the lists that we read from Brevo.")
                self._warn((*path, place), words, number=number)

    def _field(self, line: tuple[str, str], path: Path) -> None:
        source, attribute = line
        found = mapping_check.source_error(source) or mapping_check.attribute_error(attribute)
        self._refuse(path, found)
        if not found:
            for said in mapping_check.warnings_by(self._catalogue, source, attribute):
                self._warn(path, "%(said)s", said=said)

    def _consent(self, rule: Mapping[str, Any], path: Path) -> None:
        for name in NEEDED.get(rule["mode"], ()):
            if not rule[name]:
                words = gettext_noop("This needs “%(name)s” too; until then nobody joins the lists of this row.")
                self._warn(path, words, name=name)

    def _secret(self, kind: str, name: str, path: Path) -> None:
        if name != SECRETS[kind]:
            words = gettext_noop("The connector reads %(expected)s, not %(name)s: set that variable too.")
            self._warn(path, words, expected=SECRETS[kind], name=name)
        elif kind != "brevo_api_key" and not self._connection.is_environment:
            words = gettext_noop("%(name)s belongs to the connection of the environment; this one has its own.")
            self._warn(path, words, name=name)
