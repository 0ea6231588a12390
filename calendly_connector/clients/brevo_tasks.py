"""Brevo's CRM tasks: the part of `BrevoClient` that writes one per meeting, in the 100 calls an hour."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from calendly_connector.clients import errors
from calendly_connector.clients.http import Answer

TASKS_PER_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class TaskType:
    """One kind of task of the account. Ids are opaque texts."""

    id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class CrmTask:
    """One task as Brevo has it, as far as it is needed to know it again."""

    id: str
    notes: str


class Tasks:
    """What `BrevoClient` can do with CRM tasks. Bodies use Brevo's own keys: name, taskTypeId, date, contactsIds…"""

    @abstractmethod
    def _call(self, bucket: str, method: str, path: str, **options: Any) -> Answer:
        """Make one call."""

    def list_task_types(self) -> list[TaskType]:
        """Return the kinds of tasks, a bare list. https://developers.brevo.com/reference/get-task-types"""
        rows = self._call("other", "GET", "/crm/tasktypes").json
        if not isinstance(rows, list):
            raise errors.BadAnswer("Brevo answered in another form than it documents.")
        return [TaskType(id=str(row["id"]), title=str(row.get("title") or "")) for row in _objects(rows)]

    def create_task(self, body: Mapping[str, Any]) -> str:
        """Create a task and return its id. NOT to be repeated after a lost answer: look for it first.

        https://developers.brevo.com/reference/create-task
        """
        data = self._call("other", "POST", "/crm/tasks", json=body).json
        if not isinstance(data, Mapping) or not data.get("id"):
            raise errors.BadAnswer("Brevo made a task and doesn't say which.")
        return str(data["id"])

    def update_task(self, number: str, body: Mapping[str, Any]) -> None:
        """Change what `body` names. May be repeated; raises NotFound. https://developers.brevo.com/reference/update-task"""
        self._call("other", "PATCH", f"/crm/tasks/{quote(number, safe='')}", json=body)

    def find_tasks(self, *, contact: int) -> list[CrmTask]:
        """Return a contact's newest tasks. https://developers.brevo.com/reference/get-tasks"""
        params = {"filter[contacts]": str(contact), "limit": TASKS_PER_PAGE, "sort": "desc"}
        data = self._call("other", "GET", "/crm/tasks", params=params).json
        rows = data.get("items") if isinstance(data, Mapping) else None
        return [CrmTask(id=str(row["id"]), notes=str(row.get("notes") or "")) for row in _objects(rows or [])]


def _objects(rows: Any) -> Iterator[Mapping[str, Any]]:
    return (row for row in rows if isinstance(row, Mapping) and row.get("id"))
