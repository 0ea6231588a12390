"""Bulk import: POST /contacts/import and the background process it starts. Reading rows is `brevo_rows`."""

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from sandbox.brevo_account import Account
from sandbox.brevo_answers import body_of, flag_in, invalid, missing, numbers_in, object_in, text_in
from sandbox.brevo_lists import Lists
from sandbox.brevo_loopback import fetch, is_loopback
from sandbox.brevo_people import Change, People
from sandbox.brevo_rows import Row, identifiable, read_csv, read_json, read_json_text
from sandbox.brevo_state import PHONES, Contact, Json, Process, State
from sandbox.brevo_values import email_address
from sandbox.http import Refusal, Request, Response, Router

LARGEST = 10 * 1024 * 1024
CHUNK = 500  # rows written before others get a turn
NO_IDENTIFIER = "We could not find any valid email or SMS or Contact ID in the file you uploaded."
SOURCES = ("fileUrl", "fileBody", "jsonBody")


class Imports:
    """Takes imports in and works them off, each in a thread of its own that follows the sandbox's clock."""

    def __init__(self, account: Account, people: People, lists: Lists) -> None:
        self.account = account
        self.people = people
        self.lists = lists

    def register(self, router: Router) -> None:
        """Add the route."""
        router.route("POST", "/contacts/import")(self.create)

    def create(self, request: Request) -> Response:
        """Queue an import."""
        if len(request.body) > LARGEST:
            raise invalid("The request body is larger than 10 MB")
        body = body_of(request)
        job = {**self._options(body), "source": self._source(body)}
        job["listIds"] = self._target_lists(body)
        state = self.account.state
        process = Process(id=state.next_id("process"), started_at=self.account.clock.now(), job=job)
        state.processes[process.id] = process
        self._start(process)
        return Response(status=202, body={"processId": process.id})

    def _options(self, body: Json) -> Json:
        flag_in(body, "disableNotification")
        update = flag_in(body, "updateExistingContacts")
        return {
            "update": True if update is None else update,
            "empty": bool(flag_in(body, "emptyContactsAttributes")),
            "emailBlacklist": flag_in(body, "emailBlacklist") or None,
            "smsBlacklist": flag_in(body, "smsBlacklist") or None,
            "notifyUrl": text_in(body, "notifyUrl"),
        }

    def _source(self, body: Json) -> Json:
        """Return what to read later; a file without any usable identifier is refused at once."""
        given = [name for name in SOURCES if body.get(name)]
        if not given:
            raise missing("fileUrl, fileBody or jsonBody is missing")
        if len(given) > 1:
            raise invalid("Only one of fileUrl, fileBody and jsonBody may be given")
        if given[0] == "fileUrl":
            return {"url": _file_address(text_in(body, "fileUrl"))}
        state = self.account.state
        rows = read_csv(text_in(body, "fileBody"), state) if given[0] == "fileBody" else read_json(body["jsonBody"])
        if not any(identifiable(row) for row in rows):
            raise invalid(NO_IDENTIFIER)
        return {"rows": rows}

    def _target_lists(self, body: Json) -> list[int]:
        list_ids, new_list = numbers_in(body, "listIds"), object_in(body, "newList")
        if new_list:
            folder_id = new_list.get("folderId")
            if folder_id is not None:
                self.lists.check_folder(folder_id)
            name = text_in(new_list, "listName").strip()
            if not name:
                raise missing("listName is missing")
            return [*list_ids, self.lists.add(name, folder_id).id]
        if not list_ids:
            raise missing("listIds or newList is missing")
        self.people.check_lists(list_ids)
        return list_ids

    def resume(self) -> None:
        """Go on with the imports of a state that was loaded."""
        for process in self.account.state.processes.values():
            if process.job:
                self._start(process)

    def _start(self, process: Process) -> None:
        process.attempt += 1
        arguments = (self.account.state, process, process.attempt)
        threading.Thread(target=self._run, args=arguments, daemon=True, name=f"import {process.id}").start()

    def _run(self, state: State, process: Process, attempt: int) -> None:
        """Play an import: queued for half of its time, then at work, its rows written at the end."""

        def is_mine() -> bool:
            return state is self.account.state and process.attempt == attempt

        if not self._wait(process, 0.5, is_mine):
            return
        process.status = "in_process"
        if not self._wait(process, 1.0, is_mine):
            return
        outcome = self.account.settings.import_outcome
        try:
            if outcome == "completed":
                self._write_all(state, process, is_mine)
        except (OSError, ValueError, Refusal) as error:
            outcome, process.error = "failed", str(error)
        with self.account.lock:
            if is_mine():
                self._end(process, outcome)

    def _wait(self, process: Process, share: float, is_mine: Callable[[], bool]) -> bool:
        """Wait by the sandbox's clock, so that moving it forward ends the wait; return False after a reset."""
        while is_mine():
            seconds = self.account.settings.import_seconds * share
            left = process.started_at + seconds - self.account.clock.now()
            if left <= 0:
                return True
            time.sleep(min(left, 0.02))
        return False

    def _end(self, process: Process, outcome: str) -> None:
        job, process.job, process.status = process.job, {}, outcome
        if job["notifyUrl"]:
            self.account.notify(job["notifyUrl"], {"processId": process.id, "status": outcome})

    def _write_all(self, state: State, process: Process, is_mine: Callable[[], bool]) -> None:
        rows = self._rows(state, process.job["source"])
        refused: dict[str, list[Row]] = {}
        for start in range(0, len(rows), CHUNK):
            with self.account.lock:
                if not is_mine():
                    return
                for row in rows[start : start + CHUNK]:
                    reason = self._write(row, process.job)
                    if reason:
                        refused.setdefault(reason, []).append(row)
        with self.account.lock:
            for reason, refused_rows in refused.items():
                name = f"{reason}_{process.id}.csv"
                state.reports[name] = _report(reason, refused_rows)
                process.reports[reason] = name

    def _rows(self, state: State, source: Json) -> list[Row]:
        if "rows" in source:
            return list(source["rows"])
        content = fetch(source["url"]).decode("utf-8-sig")
        if urlsplit(source["url"]).path.endswith(".json"):
            return read_json_text(content)
        return read_csv(content, state)

    def _write(self, row: Row, job: Json) -> str:
        """Write one row; return the report that names it when it was refused, else ""."""
        if row.email and not email_address(row.email):
            return "invalid_emails"
        change = self._change(row, job)
        contact = self._target(row, change)
        if contact is None and not any(change.identifiers.values()):
            return "invalid_emails"
        foreign = self.people.foreign(contact, change.identifiers)
        if foreign:
            return DUPLICATES[foreign[0]]
        self._save(contact, change, job)
        return ""

    def _change(self, row: Row, job: Json) -> Change:
        values = {name: value for name, value in row.attributes.items() if value not in ("", None)}
        if job["empty"] and job["update"]:
            values |= {name: "" for name, value in row.attributes.items() if value in ("", None)}
        change = self.people.read_attributes(values, strict=False)
        if row.email:
            change.identifiers["email"] = email_address(row.email) or ""
        change.join = [list_id for list_id in job["listIds"] if list_id in self.account.state.lists]
        change.email_blacklisted, change.sms_blacklisted = job["emailBlacklist"], job["smsBlacklist"]
        return change

    def _target(self, row: Row, change: Change) -> Contact | None:
        state = self.account.state
        if row.contact_id is not None:
            return state.contacts.get(row.contact_id)
        for name in ("email", "ext_id", *PHONES):
            if change.identifiers.get(name):
                return state.find(name, change.identifiers[name])
        return None

    def _save(self, contact: Contact | None, change: Change, job: Json) -> None:
        """Write a row that may be written. Webhooks for imported rows are undocumented, so none is sent.

        Existing contacts without `updateExistingContacts` join the lists and stay as they are otherwise (undocumented).
        """
        if contact is None:
            self.people.create(change, announce=False)
        elif job["update"]:
            self.people.update(contact, change, announce=False)
        else:
            self.people.update(contact, Change(join=change.join), announce=False)


# Which of the seven reports of `info.import` names a row whose identifier belongs to somebody else.
DUPLICATES = {
    "email": "duplicate_email_id",
    "ext_id": "duplicate_ext_id",
    "SMS": "duplicate_phone_id",
    "WHATSAPP": "duplicate_whatsapp_id",
    "LANDLINE_NUMBER": "duplicate_landline_number_id",
}


def _file_address(url: str) -> str:
    """Check the address of a file; only loopback is ever fetched."""
    if not urlsplit(url).path.lower().endswith((".csv", ".txt", ".json")):
        raise invalid("fileUrl must name a .csv, .txt or .json file")
    if not is_loopback(url):
        raise invalid("The sandbox fetches files from loopback addresses only")
    return url


def _report(reason: str, rows: list[Row]) -> str:
    """Return the report of refused rows. Real columns are undocumented; these are the identifiers that were sent."""
    name = {"duplicate_phone_id": "SMS", "duplicate_ext_id": "EXT_ID"}.get(reason, "")
    columns = ["EMAIL", name] if name else ["EMAIL"]
    lines = [";".join(str(row.cell(column)) for column in columns) for row in rows]
    return "\n".join([";".join(columns), *lines]) + "\n"
