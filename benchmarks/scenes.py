"""The measurements, each a function of the stage that returns lines for the report."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load import Factory, Load, Posted
from benchmarks.measure import Process, percentile
from benchmarks.report import Line
from benchmarks.stage import Stage, StageError
from calendly_connector.models import Job, RateLimit, SyncLogEntry, WebhookDelivery

AT_ONCE = (1, 8, 32)
SENDERS = 8  # threads that post bookings at an even pace, so that a slow answer doesn't hold back the next
DRAIN_SECONDS = 120
MAX_SHARE_OF_FLOOR, MAX_CALLS, MAX_IDLE, MAX_MEGABYTES = 0.70, 2, 0.01, 150
MAX_P50, MAX_P95 = 0.040, 0.080


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything."""

    rounds: int  # of each server at each number at once
    webhooks: int  # a round, at 8 and 32 at once; a third of it at 1
    seconds: float  # at each pace
    burst: int
    idle_seconds: float
    singly: int  # people written one by one against Brevo's limit
    crowd: int


FULL = Size(rounds=5, webhooks=900, seconds=20, burst=1000, idle_seconds=10, singly=300, crowd=2000)
QUICK = Size(rounds=2, webhooks=300, seconds=6, burst=300, idle_seconds=5, singly=100, crowd=600)


@dataclass(frozen=True, kw_only=True)
class Round:
    """One load on one server."""

    per_second: float
    seconds: Sequence[float]


def acknowledge(stage: Stage, size: Size) -> list[Line]:
    """Measure how fast webhooks are acknowledged, in turns with the floor so that noise hits both alike."""
    factory, lines = Factory(stage.signing_key), []
    ports = {"floor": stage.floor_port, "web": stage.plan.web_port}
    for port in ports.values():
        Load(port, factory.make(100), at_once=8).run()  # warm: every thread has its connection
    for at_once in AT_ONCE:
        count = size.webhooks // 3 if at_once == 1 else size.webhooks
        rounds: dict[str, list[Round]] = {name: [] for name in ports}
        for number in range(size.rounds):
            for name in sorted(ports, reverse=bool(number % 2)):  # neither is always the first
                rounds[name].append(_one_round(ports[name], factory, count, at_once))
        lines += _acknowledge_lines(at_once, rounds)
    return lines


def _one_round(port: int, factory: Factory, count: int, at_once: int) -> Round:
    load = Load(port, factory.make(count), at_once=at_once)
    begun = time.monotonic()
    posted = load.run()
    return Round(per_second=count / (time.monotonic() - begun), seconds=[each.seconds for each in posted])


def _acknowledge_lines(at_once: int, rounds: Mapping[str, Sequence[Round]]) -> list[Line]:
    rates = {name: statistics.median(each.per_second for each in some) for name, some in rounds.items()}
    share = statistics.median(
        ours.per_second / floors.per_second for ours, floors in zip(rounds["web"], rounds["floor"], strict=True)
    )
    times = {name: [second for each in some for second in each.seconds] for name, some in rounds.items()}
    lines = [
        Line(
            f"{title}, {at_once} at once",
            f"{rates[name]:.0f}/s   p50 {_ms(percentile(times[name], 50))}   p99 {_ms(percentile(times[name], 99))}",
        )
        for name, title in (("floor", "bare view"), ("web", "connector"))
    ]
    return [
        *lines,
        Line("  connector ÷ bare view", f"{share:.0%}", aim="at least 70 %", is_met=share >= MAX_SHARE_OF_FLOOR),
    ]


def warm_up(stage: Stage) -> None:
    """Start the worker and let a few bookings through; what the first measurement left is forgotten."""
    Job.objects.all().delete()
    WebhookDelivery.objects.all().delete()
    RateLimit.objects.update(interval=0, free_at=0)  # what is measured is us, not the pace that Brevo allows
    stage.start_worker()
    Load(stage.plan.web_port, Factory(stage.signing_key).make(40), at_once=4, per_second=20).run()
    wait_until_drained(stage)


def at_a_pace(stage: Stage, size: Size, per_second: int) -> list[Line]:
    """Measure from "webhook sent" to "first call read by Brevo", and what it costs."""
    stage.sandbox("DELETE", "/sandbox/journal")
    webhooks = Factory(stage.signing_key).make(int(size.seconds * per_second))
    web, worker = Process(pid=stage.pid("web")), Process(pid=stage.pid("worker"))
    before = (web.cpu_seconds(), worker.cpu_seconds())
    posted = Load(stage.plan.web_port, webhooks, at_once=SENDERS, per_second=per_second).run()
    left = waiting()
    wait_until_drained(stage)
    spent = (web.cpu_seconds() - before[0], worker.cpu_seconds() - before[1])
    calls = brevo_calls(stage)
    delays = delays_of(posted, calls)
    p50, p95 = percentile(delays, 50), percentile(delays, 95)
    per_booking = len(calls) / len(posted)
    aims = ("below 40 ms", "below 80 ms") if per_second == 5 else ("", "")
    return [
        Line(f"end to end, p50 at {per_second}/s", _ms(p50), aim=aims[0], is_met=p50 < MAX_P50),
        Line(f"end to end, p95 at {per_second}/s", _ms(p95), aim=aims[1], is_met=p95 < MAX_P95),
        Line("  waiting when the last was sent", str(left), aim="no growing queue", is_met=left <= per_second),
        Line("  Brevo calls per booking", f"{per_booking:.2f}", aim="at most 2", is_met=per_booking <= MAX_CALLS),
        Line(
            "  CPU per booking",
            " + ".join(f"{name} {_ms(s / len(posted))}" for name, s in zip(WHO, spent, strict=True)),
        ),
    ]


WHO = ("web", "worker")


def delays_of(posted: Sequence[Posted], calls: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the seconds from each person's first webhook to the first call that writes their contact."""
    sent: dict[str, float] = {}
    for each in sorted(posted, key=lambda each: each.sent_at):
        sent.setdefault(each.email, each.sent_at)
    first: dict[str, float] = {}
    for call in calls:
        if call["template"] == "/contacts":
            first.setdefault(call["body"]["email"], call["at"])
    return [first[email] - at for email, at in sent.items()]


def burst(stage: Stage, size: Size) -> list[Line]:
    """Measure how long a burst takes until nothing of it waits any more."""
    stage.sandbox("DELETE", "/sandbox/journal")
    load = Load(stage.plan.web_port, Factory(stage.signing_key).make(size.burst), at_once=8)
    begun = time.monotonic()
    load.run()
    accepted = time.monotonic() - begun
    wait_until_drained(stage)
    drained = time.monotonic() - begun
    calls = len(brevo_calls(stage)) / size.burst
    return [
        Line(
            f"burst of {size.burst:,} accepted", f"{accepted:.1f} s   {size.burst / accepted:.0f}/s, the worker at work"
        ),
        Line(f"burst of {size.burst:,} drained", f"{drained:.1f} s   {size.burst / drained:.0f}/s"),
        Line("  Brevo calls per booking", f"{calls:.2f}", aim="at most 2", is_met=calls <= MAX_CALLS),
    ]


def at_rest(stage: Stage, size: Size) -> list[Line]:
    """Measure what the processes use when nothing happens, and the most memory they ever used."""
    time.sleep(1)
    idle = Process(pid=stage.pid("worker")).cpu_share(size.idle_seconds)
    lines = [Line("idle CPU of the worker", f"{idle:.2%}", aim="below 1 %", is_met=idle < MAX_IDLE)]
    for name in (*WHO, "floor", "sandbox"):
        peak = Process(pid=stage.pid(name)).peak_megabytes()
        aim = "below 150 MB" if name in WHO else ""
        lines.append(Line(f"peak memory, {name}", f"{peak:.0f} MB", aim=aim, is_met=peak < MAX_MEGABYTES))
    return lines


def waiting() -> int:
    """Return how many bookings are not in Brevo yet: deliveries to look at, and people with steps to write."""
    people = SyncLogEntry.objects.filter(state__in=("waiting", "sending", "unknown")).values("person").distinct()
    return WebhookDelivery.objects.filter(state="stored").count() + people.count()


def wait_until_drained(stage: Stage) -> None:
    """Wait until nothing waits. Raise StageError when that takes too long."""
    end = time.monotonic() + DRAIN_SECONDS
    while left := waiting():
        stage.pid("worker")
        if time.monotonic() > end:
            raise StageError(f"After {DRAIN_SECONDS} s {left} bookings still wait.")
        time.sleep(0.1)


def brevo_calls(stage: Stage) -> list[dict[str, Any]]:
    """Return the calls that Brevo received, oldest first."""
    calls: list[dict[str, Any]] = stage.sandbox("GET", "/sandbox/journal?provider=brevo")
    return sorted(calls, key=lambda call: float(call["at"]))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
