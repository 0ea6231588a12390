"""The little of Brevo's CRM that a booking may touch: tasks, task types, notes, deals, pipelines."""

import uuid
from dataclasses import dataclass, field

from sandbox.brevo_account import Account
from sandbox.brevo_answers import (
    body_of,
    invalid,
    missing,
    moment,
    not_found,
    number_param,
    numbers_in,
    object_in,
    required_text,
    stamp,
    text_in,
)
from sandbox.brevo_state import Json
from sandbox.http import Request, Response, Router

TASK_TYPES = ("Email", "Call", "Meeting", "Todo", "Lunch", "Deadline", "LinkedIn")
STAGES = ("New", "Qualifying", "Demo scheduled", "Won", "Lost")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of CRM object; the key of the linked contacts is spelled in three ways (reference 7.2)."""

    name: str
    contacts_key: str
    required: tuple[str, ...]
    fields: tuple[str, ...]
    created_status: int = 201
    hidden: tuple[str, ...] = field(default=())


NOTES = Kind(
    name="notes", contacts_key="contactIds", required=("text",), created_status=200,
    fields=("text", "contactIds", "dealIds", "companyIds"),
)  # fmt: skip
TASKS = Kind(
    name="tasks", contacts_key="contactsIds", required=("name", "taskTypeId", "date"),
    fields=("name", "taskTypeId", "date", "duration", "notes", "done", "assignToId", "contactsIds", "dealsIds",
            "companiesIds", "reminder"),
)  # fmt: skip
DEALS = Kind(
    name="deals", contacts_key="linkedContactsIds", required=("name",),
    fields=("name", "attributes", "linkedContactsIds", "linkedCompaniesIds"), hidden=("name", "createdAt", "updatedAt"),
)  # fmt: skip


class Crm:
    """Keeps CRM objects as they were sent, after checking what refers to something."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def register(self, router: Router) -> None:
        """Add the routes."""
        for kind in (NOTES, TASKS, DEALS):
            _Endpoint(self.account, kind).register(router)
        router.route("GET", "/crm/tasktypes")(self.task_types)
        router.route("GET", "/crm/pipeline/details/all")(self.pipelines)

    def task_types(self, request: Request) -> Response:
        """Return the task types, a bare list."""
        return Response(body=[{"id": task_type_id(title), "title": title} for title in TASK_TYPES])

    def pipelines(self, request: Request) -> Response:
        """Return the one pipeline that an account starts with."""
        stages = [{"id": _object_id(f"stage {name}"), "name": name} for name in STAGES]
        return Response(body=[{"pipeline": _object_id("pipeline"), "pipeline_name": "Deals", "stages": stages}])


def task_type_id(title: str) -> str:
    """Return the id of a task type."""
    return _object_id(f"task type {title}")


def _object_id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox {name}").hex[:24]


class _Endpoint:
    """POST and GET of a collection, GET, PATCH and DELETE of one object."""

    def __init__(self, account: Account, kind: Kind) -> None:
        self.account = account
        self.kind = kind

    def register(self, router: Router) -> None:
        path = f"/crm/{self.kind.name}"
        router.route("POST", path)(self.create)
        router.route("GET", path)(self.browse)
        router.route("GET", path + "/{number}")(self.read)
        router.route("PATCH", path + "/{number}")(self.update)
        router.route("DELETE", path + "/{number}")(self.delete)

    def _rows(self) -> dict[str, Json]:
        return self.account.state.crm[self.kind.name]

    def create(self, request: Request) -> Response:
        given = body_of(request)
        for name in self.kind.required:
            required_text(given, name)
        row = self._checked(given)
        if self.kind is DEALS:
            row["attributes"] = {**row.get("attributes", {}), "deal_name": row["name"]}
        number, now = uuid.uuid4().hex[:24], stamp(self.account.clock.now())
        self._rows()[number] = {"id": number, **row, "createdAt": now, "updatedAt": now}
        return Response(status=self.kind.created_status, body={"id": number})

    def _checked(self, given: Json) -> Json:
        row = {name: value for name, value in given.items() if name in self.kind.fields}
        unknown = [each for each in numbers_in(row, self.kind.contacts_key) if each not in self.account.state.contacts]
        if unknown:
            raise invalid(f"Contact does not exist: {unknown[0]}")
        if self.kind is NOTES and len(text_in(row, "text")) > 3000:
            raise invalid("text is limited to 3000 characters")
        if "taskTypeId" in row and row["taskTypeId"] not in map(task_type_id, TASK_TYPES):
            raise invalid("taskTypeId is invalid")
        if "date" in row:
            moment(required_text(row, "date"), "date")
        object_in(row, "attributes")
        return row

    def _find(self, number: str) -> Json:
        if number not in self._rows():
            raise not_found(f"{self.kind.name[:-1].capitalize()} does not exist")
        return self._rows()[number]

    def _shown(self, row: Json) -> Json:
        return {name: value for name, value in row.items() if name not in self.kind.hidden}

    def browse(self, request: Request) -> Response:
        limit, offset = number_param(request, "limit", 50), number_param(request, "offset", 0)
        found = [row for row in self._rows().values() if self.kind is not TASKS or _is_asked_for(request, row)]
        ordered = found if request.param("sort") == "asc" else list(reversed(found))
        rows = [self._shown(row) for row in ordered[offset : offset + limit]]
        return Response(body=rows if self.kind is NOTES else {"items": rows})

    def read(self, request: Request, number: str) -> Response:
        return Response(body=self._shown(self._find(number)))

    def update(self, request: Request, number: str) -> Response:
        row, changes = self._find(number), self._checked(body_of(request))
        if not changes:
            raise missing("nothing to update was given")
        if "attributes" in changes:
            changes["attributes"] = {**row.get("attributes", {}), **changes["attributes"]}
        row.update(changes, updatedAt=stamp(self.account.clock.now()))
        return Response(status=204)

    def delete(self, request: Request, number: str) -> Response:
        self._find(number)
        del self._rows()[number]
        return Response(status=204)


def _is_asked_for(request: Request, task: Json) -> bool:
    """Tell whether a task passes the filters of GET /crm/tasks that the reference documents for type, status, contacts.

    How several contacts are written in one filter is undocumented: here, separated by commas.
    """
    of_type, status = request.param("filter[type]"), request.param("filter[status]")
    if status and status not in ("done", "undone"):
        raise invalid("filter[status] must be done or undone")
    wanted = {part.strip() for part in request.param("filter[contacts]").split(",")} - {""}
    return (
        (not of_type or task["taskTypeId"] == of_type)
        and (not status or bool(task.get("done")) == (status == "done"))
        and (not wanted or bool(wanted & {str(each) for each in task.get("contactsIds") or []}))
    )
