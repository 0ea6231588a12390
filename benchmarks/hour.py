"""An hour's worth of bookings, one a second, as fast as web and worker manage: does what they hold in memory grow?"""

import time

from benchmarks import lives, one_ledger, scenes
from benchmarks.load import Factory, Load
from benchmarks.measure import Process
from benchmarks.report import Line
from benchmarks.stage import NEVER_TOGETHER, Stage

MINUTES = 60
MAX_GROWTH = 1.1  # times what was held after a tenth


def hour(stage: Stage, bookings: int) -> list[Line]:
    """Post sixty portions, each when the one before is written; return what web and worker held early and at last."""
    one_ledger.open_limits()
    stage.start_worker(NEVER_TOGETHER)
    factory, begun, held = Factory(stage.signing_key), time.monotonic(), list[dict[str, float]]()
    for _ in range(MINUTES):
        stage.sandbox("DELETE", "/sandbox/journal")
        Load(stage.plan.web_port, lives.mixed(factory, bookings // MINUTES), at_once=scenes.SENDERS).run()
        scenes.wait_until_drained(stage)
        held.append({name: Process(pid=stage.pid(name)).resident_megabytes() for name in scenes.WHO})
    seconds = time.monotonic() - begun
    peaks = {name: Process(pid=stage.pid(name)).peak_megabytes() for name in scenes.WHO}
    stage.stop("worker")
    early, late = held[MINUTES // 10 - 1], held[-1]
    return [
        *(_line(name, early[name], late[name], peaks[name]) for name in scenes.WHO),
        Line("took", f"{seconds:.0f} s   {bookings / seconds:.1f} bookings/s"),
    ]


def _line(name: str, early: float, late: float, peak: float) -> Line:
    growth = late / early
    figure = f"{early:.1f} → {late:.1f} MB = {growth:.3f}; peak {peak:.1f}"
    aim = f"at most {MAX_GROWTH}"
    return Line(f"{name}, after a tenth → at the end", figure, aim=aim, is_met=growth <= MAX_GROWTH)
