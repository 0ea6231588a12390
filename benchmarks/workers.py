"""What more workers gain: one backlog, worked off by one, two and four, while Brevo takes its time to answer."""

import os
from collections import Counter

from benchmarks import one_ledger, scenes
from benchmarks.load import Factory, Load
from benchmarks.report import Line
from benchmarks.stage import NEVER_TOGETHER, Stage

HOW_MANY = (1, 2, 4)
LATENCIES = (0.1, 0.5)
"""Seconds that Brevo takes for each of a booking's two calls. By the first, four threads almost fill a processor; by
the second they wait."""
MIDDLE = (0.1, 0.9)  # the part of the backlog that counts: workers start, and end, at different moments


def workers(stage: Stage, backlog: int) -> list[Line]:
    """Measure bookings a second; the worker must be stopped. Each has four threads, and no limits hold it."""
    one_ledger.open_limits()
    lines = [line for latency in LATENCIES for line in _at(latency, stage, backlog)]
    stage.sandbox("POST", "/sandbox/latency", {"brevo": 0.0})
    return [*lines, Line("on this machine", f"{os.cpu_count()} processors, for web and sandbox too")]


def _at(latency: float, stage: Stage, backlog: int) -> list[Line]:
    stage.sandbox("POST", "/sandbox/latency", {"brevo": latency})
    rates, twice = {}, 0
    for count in HOW_MANY:
        rates[count], doubled = _work_off(stage, backlog, count)
        twice += doubled
    return [
        Line(f"Brevo answers in {latency * 1000:.0f} ms: 1 worker", f"{rates[1]:.1f} bookings/s"),
        *(Line(f"  {count} workers", _figure(rates, count)) for count in HOW_MANY[1:]),
        Line("  events told twice, or not at all", str(twice), aim="none", is_met=not twice),
    ]


def _figure(rates: dict[int, float], count: int) -> str:
    return f"{rates[count]:.1f} bookings/s   {rates[count] / rates[1]:.2f} times one"


def _work_off(stage: Stage, backlog: int, count: int) -> tuple[float, int]:
    """Return bookings a second in the middle of the work, and how many were not told exactly once."""
    stage.sandbox("DELETE", "/sandbox/journal")
    webhooks = Factory(stage.signing_key).make(backlog)
    Load(stage.plan.web_port, webhooks, at_once=scenes.SENDERS).run()
    names = ["worker", *(f"worker {number}" for number in range(2, count + 1))]
    for name in names:
        stage.start_worker(NEVER_TOGETHER, name=name)
    scenes.wait_until_drained(stage)
    for name in names:
        stage.stop(name)
    told = Counter(event["email"] for event in stage.sandbox("GET", "/sandbox/brevo/state")["events"])
    at = [float(call["at"]) for call in scenes.brevo_calls(stage) if call["template"] == "/events"]
    first, last = (int(backlog * part) for part in MIDDLE)
    return (last - first) / (at[last] - at[first]), sum(told[each.email] != 1 for each in webhooks)
