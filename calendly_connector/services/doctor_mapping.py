"""The doctor looks at a connection's mapping: is everything that it names still there, live if Brevo may be asked?"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from calendly_connector.core.diagnosis import Finding, Page, Place, Symptom, bad, good, note, warn
from calendly_connector.core.rules import ConsentMode
from calendly_connector.models import Connection, FieldMapping
from calendly_connector.services import config_check, mapping_check, unmapped
from calendly_connector.services.doctor_check import BrevoLook, Check


@dataclass(frozen=True, kw_only=True)
class MappingLook:
    """A connection, and its Brevo account to be asked."""

    connection: Connection
    brevo: BrevoLook

    def catalogue(self) -> mapping_check.Catalogue:
        """Return Brevo's attributes, as they were read last when nobody may be asked. Raises as `BrevoLook`."""
        is_offline = self.brevo.visit.is_offline
        return mapping_check.catalogue_of(self.connection) if is_offline else self.brevo.attributes()

    def lists(self) -> set[int] | None:
        """Return the numbers of Brevo's lists, None when they were never read. Raises as `BrevoLook`."""
        if not self.brevo.visit.is_offline:
            return {each.id for each in self.brevo.lists()}
        known = set(self.connection.brevo_account.lists.values_list("number", flat=True))
        return known if known or self.connection.brevo_account.attributes_read_at else None


def fields(look: MappingLook) -> Iterator[Finding]:
    """Every mapped attribute has to be there, with a type that can hold its source."""
    place, catalogue = _at(Page.FIELDS, look), look.catalogue()
    rows = look.connection.field_mappings.exclude(overwrite=FieldMapping.Overwrite.NEVER).order_by("pk")
    remedy = _("Run `manage.py calendly_connect --create-attributes`, or choose another attribute on the page Fields.")
    said = set[str]()
    for source, attribute in rows.values_list("source", "attribute"):
        wrong = mapping_check.source_error(source) or mapping_check.attribute_error(attribute)
        for words in [wrong] if wrong else mapping_check.warnings_by(catalogue, source, attribute):
            if words in said:  # such as that nothing was read yet
                continue
            said.add(words)
            yield warn(words, remedy, Symptom.MISSING_ANSWERS, place=place)
    if not said:
        yield good(_("Every mapped attribute is there and fits."))


def questions(look: MappingLook) -> Iterator[Finding]:
    """A question that was renamed in Calendly fills nothing any more."""
    found = unmapped.renamed_questions(look.connection)
    for each in found:
        words = _("The question “%(question)s” is asked no longer, so %(attribute)s isn't filled.")
        maybe = _("Perhaps it is called “%(question)s” now.") % {"question": each.replacement}
        remedy = _("Choose the question as it is asked now on the page Fields.")
        yield warn(
            words % {"question": each.question, "attribute": each.attribute},
            f"{maybe} {remedy}" if each.replacement else remedy,
            Symptom.MISSING_ANSWERS,
            place=_at(Page.FIELDS, look),
        )
    if not found:
        yield good(_("Every mapped question is still asked."))


def lists(look: MappingLook) -> Iterator[Finding]:
    """Brevo refuses a whole contact for one list that is gone."""
    connection, place = look.connection, _at(Page.MAPPING, look)
    cells = list(connection.trigger_mappings.values(*unmapped.CELL))
    types = dict(connection.event_types.values_list("uri", "is_ignored"))
    consents = connection.consent_rules.values_list("event_type", flat=True)
    found = unmapped.find_unknown(cells, consents, types=types, lists=look.lists())
    if found.lists:
        words = _("The mapping names lists that Brevo doesn't have: %(lists)s. It refuses every contact for them.")
        remedy = _("Choose a list that is there on the page Mapping, then replay what failed on the page Repair.")
        named = ", ".join(f"#{number}" for number in found.lists)
        yield bad(words % {"lists": named}, remedy, Symptom.NOT_ON_LIST, place=place)
    if found.types:
        words = _("The mapping has rows for %(count)s event types that Calendly doesn't have.")
        remedy = _("Remove those rows on the page Mapping: the default row decides for what took their place.")
        yield warn(words % {"count": len(found.types)}, remedy, Symptom.NOT_ON_LIST, place=place)
    if not found.count:
        yield good(_("Every mapped list and event type is there."))


def event_names(look: MappingLook) -> Iterator[Finding]:
    """Brevo refuses an event whose name it can't take."""
    names = look.connection.trigger_mappings.values_list("event_name", flat=True).distinct()
    wrong = [name for name in names if mapping_check.event_name_error(name)]
    for name in wrong:
        words = f"“{name}”: {mapping_check.event_name_error(name)}"
        yield bad(words, _("Write another name on the page Mapping."), Symptom.NO_MAIL, place=_at(Page.MAPPING, look))
    if not wrong:
        yield good(_("Brevo can take every event's name."))


def consent(look: MappingLook) -> Iterator[Finding]:
    """A consent rule that lacks something lets nobody join."""
    lame = [
        str(rule)
        for rule in look.connection.consent_rules.order_by("pk")
        if any(not getattr(rule, name) for name in config_check.NEEDED.get(ConsentMode(rule.mode), ()))
    ]
    if lame:
        words = _("A consent rule isn't complete, so nobody joins its lists: %(rules)s.") % {"rules": ", ".join(lame)}
        remedy = _("Complete it in its row on the page Mapping.")
        yield warn(words, remedy, Symptom.NOT_ON_LIST, place=_at(Page.MAPPING, look))
    else:
        yield good(_("Every consent rule is complete."))


def undecided(look: MappingLook) -> Iterator[Finding]:
    """The default row decides for event types that nobody has mapped."""
    count = unmapped.undecided_types(look.connection).count()
    if count:
        words = _("Event types that nobody has mapped yet: %(count)s. The default row decides for them.")
        yield note(words % {"count": count}, _("Decide on the page Mapping."), place=_at(Page.MAPPING, look))
    else:
        yield good(_("Every event type is mapped or ignored."))


def _at(page: Page, look: MappingLook) -> Place:
    return Place(page=page, key=look.connection.pk)


CHECKS = (
    Check(name="fields", run=fields),
    Check(name="questions", run=questions),
    Check(name="lists", run=lists),
    Check(name="event_names", run=event_names),
    Check(name="consent", run=consent),
    Check(name="undecided", run=undecided),
)
