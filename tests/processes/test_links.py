"""`calendly_links` killed at random moments goes on where it was: nobody gets two links, and few are made in vain."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from calendly_connector.models import LinkRun, SchedulingLink
from calendly_connector.services.fetchers import AT_ONCE
from tests.journeys.river import River
from tests.processes.programs import BASE, Crew

PEOPLE = 120
KILLS = 4
SLOWNESS = 0.05  # seconds that Calendly takes for each call, so that a kill falls into some
COMMAND = ("calendly_links", "--event-type", "Discovery call", "--yes", "--json")


def begin(crew: Crew, number: int, output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(BASE / "manage.py"), *COMMAND, "--brevo-list", str(number)]
    with output.open("wb") as file:
        return subprocess.Popen(
            command, cwd=BASE, env=crew.environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )


def kill_in_the_middle(process: subprocess.Popen[bytes], dice: random.Random) -> bool:
    """Kill the command some links later; return False when it ended before."""
    since = SchedulingLink.objects.filter(state="live").count()
    more = dice.randint(3, PEOPLE // (KILLS + 2))
    while process.poll() is None:
        if SchedulingLink.objects.filter(state="live").count() >= min(PEOPLE, since + more):
            time.sleep(dice.uniform(0, 0.05))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.01)
    return False


def test_killed_again_and_again_nobody_has_two_links(river: River, crew: Crew, tmp_path: Path) -> None:
    number = river.brevo.add_list("Campaign")
    for each in range(PEOPLE):
        river.brevo.add_contact(f"p{each}@example.com", list_ids=[number])
    river.break_calendly("slow", "/scheduling_links", method="POST", seconds=SLOWNESS, times=None)
    dice, kills, output = random.Random(7), 0, tmp_path / "links.log"
    for _time in range(KILLS):
        kills += kill_in_the_middle(begin(crew, number, output), dice)

    last = begin(crew, number, output)
    assert last.wait(timeout=120) == 0, output.read_text()
    assert kills == KILLS
    row = LinkRun.objects.get()
    assert (row.state, row.total, row.made, row.written) == ("finished", PEOPLE, PEOPLE, PEOPLE)
    assert Counter(SchedulingLink.objects.values_list("state", flat=True)) == {"live": PEOPLE}
    assert SchedulingLink.objects.values("email").distinct().count() == PEOPLE
    made = len(river.sandbox.world.journal.calls("calendly", method="POST", template="/scheduling_links"))
    assert made <= PEOPLE + kills * AT_ONCE
    addresses = [river.contact(f"p{each}@example.com")["attributes"]["BOOKING_LINK"] for each in range(PEOPLE)]
    assert sorted(address.split("?")[0] for address in addresses) == sorted(
        SchedulingLink.objects.values_list("url", flat=True)
    )


def test_killed_while_brevo_imports_nothing_is_made_or_lost(river: River, crew: Crew, tmp_path: Path) -> None:
    number, output = river.brevo.add_list("Campaign"), tmp_path / "links.log"
    for each in range(PEOPLE):
        river.brevo.add_contact(f"p{each}@example.com", list_ids=[number])
    river.break_brevo("commit_then_timeout", "/contacts/import", seconds=2.0)  # nobody hears that it has begun
    process = begin(crew, number, output)
    while not river.brevo.state.processes:
        assert process.poll() is None, output.read_text()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    assert begin(crew, number, output).wait(timeout=120) == 0, output.read_text()

    row = LinkRun.objects.get()
    assert (row.state, row.made, row.written) == ("finished", PEOPLE, PEOPLE)
    assert len(river.calls("/contacts/import")) == 2
    assert len(river.sandbox.world.journal.calls("calendly", method="POST", template="/scheduling_links")) == PEOPLE
    urls = {each.email: each.url for each in SchedulingLink.objects.all()}
    assert all(river.contact(email)["attributes"]["BOOKING_LINK"].startswith(url) for email, url in urls.items())
