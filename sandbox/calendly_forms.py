"""Endpoints of routing forms and of data compliance (Enterprise)."""

from sandbox.calendly_answers import denied, invalid, resource
from sandbox.calendly_paging import page, sorted_rows
from sandbox.calendly_route import Endpoints, at, body, found, instant, required
from sandbox.calendly_values import is_email
from sandbox.http import Handler, Request, Response

TWO_YEARS = 24 * 31 * 86_400


class Forms(Endpoints):
    """Routing forms are read only here; submissions come from `Calendly.submit_form`."""

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the handlers by method and template."""
        return {
            ("GET", "/routing_forms"): self._forms,
            ("GET", "/routing_form_submissions"): self._submissions,
            ("GET", "/routing_form_submissions/{uuid}"): self._submission,
            ("POST", "/data_compliance/deletion/invitees"): self._forget_invitees,
            ("POST", "/data_compliance/deletion/events"): self._forget_events,
        }

    def _forms(self, request: Request) -> Response:
        if required(request, "organization") != self.state.organization["uri"]:
            raise denied("You do not have permission")
        rows = list(self.state.forms.values())
        return page(request, sorted_rows(request, rows, ("created_at",), "created_at:asc"))

    def _submissions(self, request: Request) -> Response:
        form = found(self.state.forms, required(request, "form"))
        rows = [row for row in self.state.submissions.values() if row["routing_form"] == form["uri"]]
        return page(request, sorted_rows(request, rows, ("created_at",), "created_at:asc"))

    def _submission(self, request: Request, uuid: str) -> Response:
        return resource(found(self.state.submissions, at("routing_form_submissions", uuid)))

    def _forget_invitees(self, request: Request) -> Response:
        """Accept the request; that anything is deleted within seven days is not simulated."""
        self._only_enterprise(request)
        emails = body(request).get("emails")
        if not isinstance(emails, list) or not emails or not all(is_email(email) for email in emails):
            raise invalid("emails", "emails must be a list of email addresses")
        return Response(status=202, body={})

    def _forget_events(self, request: Request) -> Response:
        self._only_enterprise(request)
        wish = body(request)
        start, end = (instant(wish.get(name), name) for name in ("start_time", "end_time"))
        if not start < end <= self.now() or end - start > TWO_YEARS:
            raise invalid("end_time", "the range must be in the past and at most 24 months long")
        return Response(status=202, body={})

    def _only_enterprise(self, request: Request) -> None:
        if self.state.organization["plan"] != "enterprise":
            raise denied("Please upgrade your Calendly account to Enterprise.")
        if not self.state.is_admin(self.access.caller(request)):
            raise denied(
                "You must be an admin/owner with the data requests permission enabled to use this resource. "
                "Contact Calendly support and ask them to grant you data requests permission."
            )
