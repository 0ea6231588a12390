"""Double opt-in: POST /contacts/doubleOptinConfirmation, and the click in the mail that it would have sent."""

from sandbox.brevo_account import Account
from sandbox.brevo_answers import body_of, invalid, is_number, missing, numbers_in, object_in, required_text
from sandbox.brevo_people import People
from sandbox.brevo_state import Confirmation, Json
from sandbox.brevo_values import email_address
from sandbox.http import Request, Response, Router


class OptIn:
    """Asks for confirmations and plays their click."""

    def __init__(self, account: Account, people: People) -> None:
        self.account = account
        self.people = people

    def register(self, router: Router) -> None:
        """Add the route."""
        router.route("POST", "/contacts/doubleOptinConfirmation")(self.ask)

    def ask(self, request: Request) -> Response:
        """Record a double opt-in mail as sent; nothing is created or joined before its click.

        Whether Brevo creates the contact already now is undocumented; later is the reading that hides no mistake.
        """
        body = body_of(request)
        address = email_address(required_text(body, "email"))
        if not address:
            raise invalid("Invalid email address")
        state = self.account.state
        confirmation = Confirmation(
            id=state.next_id("confirmation"), email=address, attributes=object_in(body, "attributes"),
            list_ids=self._confirmed_lists(body), excluded_list_ids=numbers_in(body, "excludeListIds"),
            template_id=self._template(body), redirection_url=required_text(body, "redirectionUrl"),
        )  # fmt: skip
        state.confirmations[confirmation.id] = confirmation
        return Response(status=204 if state.find("email", address) else 201)

    def _confirmed_lists(self, body: Json) -> list[int]:
        list_ids = numbers_in(body, "includeListIds")
        if not list_ids:
            raise missing("includeListIds is missing")
        self.people.check_lists(list_ids)
        return list_ids

    def _template(self, body: Json) -> int:
        template = body.get("templateId")
        if template is None:
            raise missing("templateId is missing")
        valid = self.account.settings.optin_templates
        if not is_number(template) or (valid and template not in valid):
            raise invalid("templateId is not an active double opt-in template")
        return int(template)

    def confirm(self, confirmation: Confirmation) -> None:
        """Play the click in the double opt-in mail."""
        change = self.people.read_attributes(confirmation.attributes, strict=False)
        contact = self.account.state.find("email", confirmation.email)
        for name in self.people.foreign(contact, change.identifiers):
            del change.identifiers[name]
        change.identifiers["email"] = confirmation.email
        change.join = [number for number in confirmation.list_ids if number in self.account.state.lists]
        change.leave = confirmation.excluded_list_ids
        if contact is None:
            self.people.create(change)
        else:
            self.people.update(contact, change)
        confirmation.confirmed = True
