"""The contact endpoints: POST and GET /contacts, GET, PUT and DELETE /contacts/{identifier}."""

import re
from urllib.parse import unquote_plus

from sandbox.brevo_account import Account
from sandbox.brevo_answers import (
    body_of,
    day_span,
    flag_in,
    invalid,
    missing,
    not_found,
    number_param,
    numbers_in,
    object_in,
    page,
    refusal,
    text_in,
)
from sandbox.brevo_filters import filters_of
from sandbox.brevo_people import Change, People, contact_json
from sandbox.brevo_state import Contact, Json
from sandbox.brevo_values import email_address, phone_number
from sandbox.http import Request, Response, Router

# identifierType → the identifier it names; contact_id is not in here, because it is no identifier of the index.
IDENTIFIER_TYPES = {
    "email_id": "email",
    "ext_id": "ext_id",
    "phone_id": "SMS",
    "whatsapp_id": "WHATSAPP",
    "landline_number_id": "LANDLINE_NUMBER",
}


class Contacts:
    """Creates, reads, changes and deletes contacts one at a time."""

    def __init__(self, account: Account, people: People) -> None:
        self.account = account
        self.people = people

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("POST", "/contacts")(self.create)
        router.route("GET", "/contacts")(self.browse)
        router.route("GET", "/contacts/{identifier}")(self.read)
        router.route("PUT", "/contacts/{identifier}")(self.update)
        router.route("DELETE", "/contacts/{identifier}")(self.delete)

    def create(self, request: Request) -> Response:
        """Create a contact, or update it when `updateEnabled`."""
        body = body_of(request)
        change = self._read_create(body)
        owners = self.people.owners(change.identifiers)
        if flag_in(body, "forceMerge") and owners:
            return self._merge(body, change, list(owners.values()))
        target = self._named(change, owners)
        if target is None or not flag_in(body, "updateEnabled"):
            self.people.refuse_duplicates("create", list(owners))
            return Response(status=201, body={"id": self.people.create(change).id})
        # "create" although it is an update: that is how the live answer to an upsert reads (reference 2.4).
        self.people.refuse_duplicates("create", self.people.foreign(target, change.identifiers))
        self.people.update(target, change)
        return Response(status=204)

    def _read_create(self, body: Json) -> Change:
        attributes = object_in(body, "attributes")
        if any(name.upper() == "EMAIL" for name in attributes):
            raise invalid("EMAIL is not allowed in attributes")  # a 400 was seen in 2021; the wording is ours
        change = self._read_common(body)
        if body.get("email") not in (None, ""):
            address = email_address(body["email"])
            if not address:
                raise invalid("Invalid email address")
            change.identifiers["email"] = address
        if not any(change.identifiers.values()):
            raise missing("email is missing")
        return change

    def _read_common(self, body: Json) -> Change:
        change = self.people.read_attributes(object_in(body, "attributes"), strict=True)
        ext_id = text_in(body, "ext_id").strip()
        if ext_id:
            change.identifiers["ext_id"] = ext_id
        change.join = numbers_in(body, "listIds")
        self.people.check_lists(change.join)
        change.email_blacklisted = flag_in(body, "emailBlacklisted")
        change.sms_blacklisted = flag_in(body, "smsBlacklisted")
        change.blocked_senders = _senders(body)
        return change

    def _named(self, change: Change, owners: dict[str, Contact]) -> Contact | None:
        """Return the contact meant: the owner of the strongest identifier given.

        A known phone with an unknown address is somebody else's phone, not a new address of its owner.
        """
        for name in ("email", "ext_id", "SMS", "WHATSAPP", "LANDLINE_NUMBER"):
            if change.identifiers.get(name):
                return owners.get(name)
        return None

    def _merge(self, body: Json, change: Change, owners: list[Contact]) -> Response:
        survivor = self.people.merge(owners)
        self.people.update(survivor, change)
        # Which status carries the id is not said; 201 is the only one whose body the reference describes.
        return Response(status=201, body={"id": survivor.id}) if flag_in(body, "getId") else Response(status=204)

    def update(self, request: Request, identifier: str) -> Response:
        """Change a contact; `listIds` adds, `unlinkListIds` removes."""
        contact = self._find(request)
        body = body_of(request)
        change = self._read_common(body)
        change.leave = numbers_in(body, "unlinkListIds")
        self.people.check_lists(change.leave)
        owners = self.people.owners(change.identifiers)
        if flag_in(body, "forceMerge") and owners:
            contact = self.people.merge(list({each.id: each for each in (contact, *owners.values())}.values()))
        self.people.refuse_duplicates("update", self.people.foreign(contact, change.identifiers))
        self.people.update(contact, change)
        return Response(status=204)

    def read(self, request: Request, identifier: str) -> Response:
        """Return one contact with its statistics (always empty here)."""
        day_span(request)
        contact = self._find(request, by_phone=True)
        return Response(body={**contact_json(contact), "statistics": _no_statistics()})

    def delete(self, request: Request, identifier: str) -> Response:
        """Delete one contact, except the account's own address."""
        contact = self._find(request)
        if contact.email == self.account.state.profile["email"]:
            raise refusal(405, "method_not_allowed", "You're not allowed to delete registered email contact with Brevo")
        self.people.delete(contact)
        return Response(status=204)

    def _find(self, request: Request, *, by_phone: bool = False) -> Contact:
        # An unencoded "+" means a space to Brevo: the classic 404 of reference 2.5. So the raw path is read here.
        identifier = unquote_plus(request.path.rsplit("/", 1)[1])
        kind = request.param("identifierType")
        contact = self._of_kind(kind, identifier) if kind else self._guess(identifier, by_phone)
        if contact is None:
            raise not_found("Contact does not exist")
        return contact

    def _of_kind(self, kind: str, identifier: str) -> Contact | None:
        state = self.account.state
        if kind == "contact_id":
            return state.contacts.get(int(identifier)) if re.fullmatch(r"\d{1,18}", identifier) else None
        if kind not in IDENTIFIER_TYPES:
            raise invalid("identifierType is invalid")
        name = IDENTIFIER_TYPES[kind]
        if name == "ext_id":
            return state.find(name, identifier)
        stored = email_address(identifier) if name == "email" else phone_number(identifier)
        return state.find(name, stored) if stored else None

    def _guess(self, identifier: str, by_phone: bool) -> Contact | None:
        kinds = ["contact_id", "email_id"] + (["phone_id"] if by_phone else [])
        found = (self._of_kind(kind, identifier) for kind in kinds)
        return next((contact for contact in found if contact), None)

    def browse(self, request: Request) -> Response:
        """Return contacts, filtered and paged."""
        number_param(request, "limit", 50, high=1000)  # bounds are checked before any work is done
        keep = filters_of(request, self.account)
        matching = [contact for contact in self.account.state.contacts.values() if all(test(contact) for test in keep)]
        rows = page(request, matching, default=50, maximum=1000)
        return Response(body={"contacts": [contact_json(contact) for contact in rows], "count": len(matching)})


def _senders(body: Json) -> list[str] | None:
    senders = body.get("smtpBlacklistSender")
    if senders is not None and (not isinstance(senders, list) or not all(email_address(each) for each in senders)):
        raise invalid("smtpBlacklistSender must be an array of email addresses")
    return senders


def _no_statistics() -> Json:
    return {"messagesSent": [], "delivered": [], "opened": [], "clicked": [], "hardBounces": [], "softBounces": [],
            "complaints": [], "transacAttributes": [],
            "unsubscriptions": {"userUnsubscription": [], "adminUnsubscription": []}}  # fmt: skip
