"""The HTML of the Calendly desk. Everything that people typed is escaped here."""

from datetime import UTC, datetime
from html import escape
from zoneinfo import ZoneInfo

from sandbox.calendly import Calendly
from sandbox.calendly_values import Json, moment, stamp
from sandbox.calendly_webhooks import Delivery
from sandbox.pages import page, section, table

SHOWN = 50
PARIS = ZoneInfo("Europe/Paris")
STYLE = """<style>
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .5rem 1rem;
  margin: .6rem 0; }
.fields label { display: grid; gap: .1rem; font-size: .9rem; } details { margin: .3rem 0; }
summary { cursor: pointer; } td form { display: flex; gap: .3rem; flex-wrap: wrap; margin: .15rem 0; }
td input { max-width: 12rem; }
</style>"""
INPUT_TYPES = {"phone_number": "tel"}


def desk_page(calendly: Calendly, said: str = "") -> str:
    """Return the whole page."""
    with calendly.lock:
        types = [kind for kind in calendly.state.event_types.values() if kind["active"]]
        newest = reversed(calendly.state.invitees.newest(SHOWN))
        bookings = [_booking(invitee, calendly.event(invitee["event"])) for invitee in newest]
        subscriptions = [_subscription(subscription) for subscription in calendly.subscriptions()]
        total = len(calendly.state.invitees)
    messages = [_message(delivery) for delivery in calendly.deliveries.recent()[: -SHOWN - 1 : -1]]
    notice = f'<p class="bad" role="status">{escape(said)}</p>' if said else ""
    now = _local(stamp(calendly.clock.now()))
    body = (
        f'{STYLE}{notice}<p class="dim">It is {now} here. Times are those of Paris.</p>'
        + section("Book a meeting", "".join(_booking_form(kind) for kind in types) + _story_form())
        + section(f"Bookings ({total})", _table(("Person", "Meeting", "Status", "Do"), bookings))
        + section("Webhook subscriptions", _table(("Address", "Events", "State"), subscriptions))
        + section("Webhooks sent", _table(("Number", "Event", "To", "Result"), messages))
    )
    return page("Calendly desk", body)


def _table(headings: tuple[str, ...], rows: list[list[str]]) -> str:
    return table(headings, rows, "Nothing yet.")


def _booking_form(kind: Json) -> str:
    questions = "".join(_question(question) for question in kind["custom_questions"] if question["enabled"])
    shape = kind["pooling_type"] or kind["kind"]
    return (
        f"<details><summary><strong>{escape(kind['name'])}</strong> "
        f'<span class="dim">{kind["duration"]} min, {escape(shape.replace("_", " "))}</span></summary>'
        f'<form method="post" action="/sandbox/calendly/desk/book">{_hidden("event_type", kind["uri"])}'
        '<div class="fields">'
        '<label>First name <input name="first_name"></label>'
        '<label>Last name <input name="last_name"></label>'
        '<label>E-mail <input name="email" type="email" required></label>'
        '<label>Start (empty: next free) <input name="start_time" type="datetime-local"></label>'
        f"{questions}</div><button>Book {escape(kind['name'])}</button></form></details>"
    )


def _question(question: Json) -> str:
    name = f"answer_{question['position']}"
    text = escape(question["name"]) + (" *" if question["required"] else "")
    if question["answer_choices"]:
        several = " multiple" if question["type"] == "multi_select" else ""
        options = "".join(f"<option>{escape(choice)}</option>" for choice in question["answer_choices"])
        return f'<label>{text} <select name="{name}"{several}>{options}</select></label>'
    required = " required" if question["required"] else ""
    kind = INPUT_TYPES.get(question["type"], "text")
    return f'<label>{text} <input name="{name}" type="{kind}"{required}></label>'


def _story_form() -> str:
    action = "/sandbox/calendly/desk/story"
    return f'<form method="post" action="{action}"><button>Or let four people book at once</button></form>'


def _booking(invitee: Json, event: Json) -> list[str]:
    answers = "".join(
        f'<br><span class="dim">{escape(row["question"])}: {escape(row["answer"])}</span>'
        for row in invitee["questions_and_answers"]
    )
    host = event["event_memberships"][0]["user_name"]
    person = f"{escape(invitee['name'])}<br>{escape(invitee['email'])}{answers}"
    meeting = (
        f"{escape(event['name'])}<br>{_local(event['start_time'])}<br><span class='dim'>with {escape(host)}</span>"
    )
    return [person, meeting, _status(invitee), _buttons(invitee)]


def _status(invitee: Json) -> str:
    if invitee["rescheduled"]:
        return '<span class="tag">moved</span>'
    if invitee["status"] == "canceled":
        why = invitee["cancellation"]
        reason = f": {escape(why['reason'])}" if why["reason"] else ""
        return f'<span class="tag bad">canceled</span> by {escape(why["canceled_by"])}{reason}'
    if invitee["no_show"]:
        return '<span class="tag bad">no-show</span>'
    return '<span class="tag good">active</span>'


def _buttons(invitee: Json) -> str:
    if invitee["status"] == "canceled":
        return ""
    by = '<select name="by" aria-label="By"><option value="invitee">invitee</option><option>host</option></select>'
    start = '<input name="start_time" type="datetime-local" aria-label="New start">'
    reason = '<input name="reason" placeholder="Reason" aria-label="Reason">'
    mark = ("undo", "Undo no-show") if invitee["no_show"] else ("no-show", "No-show")
    return (
        _form("move", invitee, f"{start}{by}<button>Move</button>")
        + _form("cancel", invitee, f"{reason}{by}<button>Cancel</button>")
        + _form(mark[0], invitee, f"<button>{mark[1]}</button>")
    )


def _form(action: str, invitee: Json, content: str) -> str:
    hidden = _hidden("invitee", invitee["uri"])
    return f'<form method="post" action="/sandbox/calendly/desk/{action}">{hidden}{content}</form>'


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def _subscription(subscription: Json) -> list[str]:
    look = "good" if subscription["state"] == "active" else "bad"
    retrying = (
        f"<br>retrying since {_local(subscription['retry_started_at'])}" if subscription["retry_started_at"] else ""
    )
    events = "".join(f'<span class="tag">{escape(name)}</span>' for name in subscription["events"])
    state = f'<span class="tag {look}">{subscription["state"]}</span>{retrying}'
    return [
        f"{escape(subscription['callback_url'])}<br><span class='dim'>{subscription['scope']}</span>",
        events,
        state,
    ]


def _message(delivery: Delivery) -> list[str]:
    look = {"delivered": "good", "failed": "bad", "dropped": "bad"}.get(delivery.status, "")
    tries = ", ".join(escape(attempt.outcome) for attempt in delivery.attempts[-3:])
    again = ""
    if delivery.status == "pending" and delivery.attempts:
        again = f"<br>again at {_local(stamp(delivery.due_at))}"
    result = f'<span class="tag {look}">{delivery.status}</span> {tries}{again}'
    return [str(delivery.number), escape(delivery.event), escape(delivery.url), result]


def _local(time: str) -> str:
    return datetime.fromtimestamp(moment(time), UTC).astimezone(PARIS).strftime("%a %d %b %Y, %H:%M")
