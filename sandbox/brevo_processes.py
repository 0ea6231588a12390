"""Background processes: GET /processes and GET /processes/{id}."""

from sandbox.brevo_account import Account
from sandbox.brevo_answers import page, path_number, refusal
from sandbox.brevo_state import Json, Process
from sandbox.http import Request, Response, Router

REPORTS = (
    "invalid_emails", "duplicate_contact_id", "duplicate_ext_id", "duplicate_email_id", "duplicate_phone_id",
    "duplicate_whatsapp_id", "duplicate_landline_number_id",
)  # fmt: skip


class Processes:
    """Shows how far the imports are."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("GET", "/processes")(self.browse)
        router.route("GET", "/processes/{number}")(self.read)

    def browse(self, request: Request) -> Response:
        """Return one page of processes."""
        processes = list(self.account.state.processes.values())
        rows = [process_json(each, request.base_url) for each in page(request, processes, default=10, maximum=50)]
        return Response(body={"processes": rows, "count": len(processes)})

    def read(self, request: Request, number: str) -> Response:
        """Return one process. Its 404 has the code invalid_parameter, unlike all others."""
        process = self.account.state.processes.get(path_number(number, "processId is invalid"))
        if process is None:
            raise refusal(404, "invalid_parameter", "processId is invalid")
        return Response(body=process_json(process, request.base_url))


def process_json(process: Process, base_url: str) -> Json:
    """Return a process as the API answers it; reports are addresses of CSV files, or null."""
    body: Json = {"id": process.id, "name": process.name, "status": process.status}
    if process.status == "completed" and process.name == "IMPORTUSER":
        names = {key: process.reports.get(key) for key in REPORTS}
        links = {key: f"{base_url}/sandbox/brevo/reports/{name}" if name else None for key, name in names.items()}
        body["info"] = {"import": links}
    return body
