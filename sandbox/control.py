"""The routes under /sandbox that the real services do not have: faults, journal, clock, and staging of bookings."""

from collections.abc import Callable
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

from sandbox import scenarios
from sandbox.calendly_bookings import BookingError
from sandbox.calendly_control import CalendlyControl
from sandbox.calendly_values import Json
from sandbox.http import Refusal, Request, Response, Router
from sandbox.pages import page, section
from sandbox.world import Fault

if TYPE_CHECKING:
    from sandbox.app import Sandbox

Action = Callable[[Json], Any]
PROVIDERS = ("calendly", "brevo")


def register_control(router: Router, sandbox: "Sandbox") -> None:
    """Add the routes."""
    control = Control(sandbox)
    router.route("GET", "/")(control.index)
    router.route("GET", "/sandbox")(control.index)
    router.route("GET", "/sandbox/health")(lambda request: Response(body={"status": "ok"}))
    router.route("GET", "/sandbox/faults")(control.faults)
    router.route("DELETE", "/sandbox/faults")(control.clear_faults)
    router.route("GET", "/sandbox/journal")(control.journal)
    router.route("DELETE", "/sandbox/journal")(control.clear_journal)
    router.route("GET", "/sandbox/calls")(control.calls)
    router.route("GET", "/sandbox/clock")(control.clock)
    calendly = CalendlyControl(sandbox.calendly)
    router.route("GET", "/sandbox/calendly/state")(calendly.state)
    actions: dict[str, Action] = {
        "/sandbox/faults": control.add_fault,
        "/sandbox/clock": control.advance,
        "/sandbox/latency": control.delay,
        "/sandbox/reset": control.reset,
        "/sandbox/story": control.story,
        **{f"/sandbox/calendly/{name}": action for name, action in calendly.actions().items()},
    }
    for address, action in actions.items():
        router.route("POST", address)(answering(action))


def answering(action: Action) -> Callable[[Request], Response]:
    """Return a handler: the JSON body in, the action's value out; what it cannot use is a 400, a conflict a 409."""

    def handler(request: Request) -> Response:
        try:
            given = request.json() if request.body else {}
            if not isinstance(given, dict):
                raise ValueError("the body must be a JSON object")
            return Response(body=action(given))
        except BookingError as problem:
            return Response(status=409, body={"message": str(problem)})
        except KeyError as problem:
            return Response(status=404, body={"message": f"not found or not given: {problem}"})
        except (ValueError, TypeError) as problem:
            return Response(status=400, body={"message": str(problem)})

    return handler


class Control:
    """What concerns both providers."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    def index(self, request: Request) -> Response:
        """Return the page that leads to the others."""
        base = escape(request.base_url)
        addresses = f"<p>Calendly and its OAuth: <code>{base}</code><br>Brevo: <code>{base}/v3</code></p>"
        links = (
            '<p><a href="/sandbox/calendly">Calendly desk</a>: book, move, cancel, mark a no-show.<br>'
            '<a href="/sandbox/brevo">Brevo window</a>: contacts, lists, events and calls.</p>'
        )
        story = (
            "<p>Four people book, one moves, one cancels, one does not show up:</p>"
            '<form method="post" action="/sandbox/calendly/desk/story"><button>Tell the story</button></form>'
        )
        boxes = section("Pages", links) + section("Addresses", addresses) + section("Something to look at", story)
        return Response(body=page("Sandbox", boxes))

    def faults(self, request: Request) -> Response:
        """Return the faults still to come."""
        return Response(body=[asdict(fault) for fault in self._sandbox.world.faults.planned()])

    def add_fault(self, given: Json) -> Json:
        """Plan a fault."""
        fault = Fault(**given)
        if fault.provider not in PROVIDERS:
            raise ValueError("provider must be calendly or brevo")
        self._sandbox.world.faults.add(fault)
        return asdict(fault)

    def clear_faults(self, request: Request) -> Response:
        """Forget all faults."""
        self._sandbox.world.faults.clear()
        return Response(status=204)

    def journal(self, request: Request) -> Response:
        """Return the calls received: ?provider=&method=&template=&since=."""
        provider, since = request.param("provider"), request.param("since", "0")
        if provider not in ("", *PROVIDERS) or not since.isdigit():
            raise Refusal(Response(status=400, body={"message": "provider or since is wrong"}))
        calls = self._sandbox.world.journal.calls(
            "brevo" if provider == "brevo" else "calendly" if provider else None,
            method=request.param("method"), template=request.param("template"), since=int(since),
        )  # fmt: skip
        return Response(body=[asdict(call) for call in calls])

    def calls(self, request: Request) -> Response:
        """Return how many calls came, the journal's length notwithstanding: provider → templates, statuses."""
        journal = self._sandbox.world.journal
        return Response(body={"calendly": journal.counts("calendly"), "brevo": journal.counts("brevo")})

    def clear_journal(self, request: Request) -> Response:
        """Forget all calls."""
        self._sandbox.world.journal.clear()
        return Response(status=204)

    def clock(self, request: Request) -> Response:
        """Return the simulated time."""
        return Response(body=self._time())

    def advance(self, given: Json) -> Json:
        """Move the simulated time by {"advance": seconds}, and send every webhook that became due."""
        self._sandbox.world.clock.advance(float(given["advance"]))
        self._sandbox.calendly.deliveries.run_due()
        return self._time()

    def delay(self, given: Json) -> Json:
        """Let every answer take {"calendly": seconds, "brevo": seconds} longer, from now on; what isn't named stays."""
        if given.keys() - set(PROVIDERS):
            raise ValueError("the keys must be calendly or brevo")
        latency = self._sandbox.world.latency
        latency |= {name: float(seconds) for name, seconds in given.items()}
        return dict(latency)

    def reset(self, given: Json) -> Json:
        """Begin again."""
        self._sandbox.reset()
        return {"status": "ok"}

    def story(self, given: Json) -> Json:
        """Tell the story of four people."""
        return scenarios.tell_story(self._sandbox.calendly)

    def _time(self) -> Json:
        clock = self._sandbox.world.clock
        return {"now": clock.now(), "utc": clock.utc().isoformat()}
