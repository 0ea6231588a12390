"""A crowd against Brevo's real limits: how close one by one comes to them, and what the many-at-once lane gains."""

import logging
import time

from benchmarks import scenes
from benchmarks.load import Factory, Load
from benchmarks.report import Line
from benchmarks.stage import NEVER_TOGETHER, Stage, StageError
from calendly_connector.models import BrevoAccount, RateLimit, WebhookDelivery
from calendly_connector.services import accounts, limits

BREVO_CONTACTS_PER_SECOND = 10
MIN_SHARE_OF_LIMIT, MIN_GAIN = 0.95, 20


def crowd(stage: Stage, *, singly: int, people: int) -> list[Line]:
    """Measure the pace one by one over `singly` people, then the time for a burst of `people` with imports."""
    stage.sandbox("POST", "/sandbox/brevo/settings", {"limits": True, "import_seconds": 1.0})
    for bucket, interval in limits.INTERVALS.items():
        RateLimit.objects.filter(key__endswith=f":{bucket}").update(interval=interval, free_at=0, blocked_until=0)
    per_second = _one_by_one(stage, singly)
    share, expected = per_second / BREVO_CONTACTS_PER_SECOND, people / per_second
    seconds, calls = _together(stage, people)
    gain = expected / seconds
    return [
        Line("one by one, people a second", f"{per_second:.2f}   {share:.1%} of Brevo's limit", aim="at least 95 %",
             is_met=share >= MIN_SHARE_OF_LIMIT),
        Line(f"burst of {people:,} with imports", f"{seconds:.1f} s   ({expected:.0f} s one by one)"),
        Line("  gain", f"{gain:.0f} times", aim="at least 20 times", is_met=gain >= MIN_GAIN),
        Line("  Brevo calls per booking", f"{calls / people:.3f}"),
    ]  # fmt: skip


def _one_by_one(stage: Stage, people: int) -> float:
    """Return contacts per second while more people wait than Brevo lets through."""
    _restart_worker(stage, NEVER_TOGETHER)
    _let_wait(stage, people)
    scenes.wait_until_drained(stage)
    written = [float(call["at"]) for call in scenes.brevo_calls(stage) if _is_accepted_contact(call)]
    return (len(written) - 1) / (written[-1] - written[0])


def _together(stage: Stage, people: int) -> tuple[float, int]:
    """Return the seconds from "all of them may go" until nothing waits, and the number of calls."""
    _restart_worker(stage, {})
    _let_wait(stage, people)
    begun = time.monotonic()
    scenes.wait_until_drained(stage)
    return time.monotonic() - begun, len(scenes.brevo_calls(stage))


def _let_wait(stage: Stage, people: int) -> None:
    """Let people book while writing is paused, then resume: from now on it is Brevo's limits that count."""
    account = BrevoAccount.objects.get()
    logging.disable(logging.ERROR)  # a pause is an alarm, and this one is ours
    accounts.pause(account, "The benchmark gathers a crowd.")
    Load(stage.plan.web_port, Factory(stage.signing_key).make(people), at_once=8).run()
    end = time.monotonic() + scenes.DRAIN_SECONDS
    while WebhookDelivery.objects.filter(state="stored").exists():
        if time.monotonic() > end:
            raise StageError("The crowd's bookings were not taken in.")
        time.sleep(0.1)
    stage.sandbox("DELETE", "/sandbox/journal")
    accounts.resume(account)


def _is_accepted_contact(call: dict[str, object]) -> bool:
    return call["template"] == "/contacts" and call["status"] in (201, 204)


def _restart_worker(stage: Stage, environment: dict[str, str]) -> None:
    stage.stop("worker")
    stage.start_worker(environment)
