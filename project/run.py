"""Sets up and runs everything on this machine: `make run`.

Without credentials in the environment or `.env` that is web, worker and the sandbox that stands in for Calendly and
Brevo; with credentials it is web and worker against the real services. Ctrl-C stops all of it.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from project import at_hand, ports, story
from project.environment import Environment
from project.plan import BASE, CannotRunError, Plan, claim_database, make_plan, story_mark, write_dotenv
from project.supervisor import GaveUpError, Program, Supervisor, say

MEMORY = BASE / ".run"  # what outlives a run; git ignores it
MANAGE = str(BASE / "manage.py")
SERVER = str(BASE / "deploy" / "gunicorn.conf.py")
STEP_SECONDS = 300  # for one command of the set-up


class Stopped(BaseException):
    """Ctrl-C or SIGTERM: not an error, and nothing but main() may catch it."""


def main() -> int:
    """Run until somebody stops it; return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        with only_one(MEMORY / "lock"):
            run()
    except Stopped:
        say("Stopped.")
        return 0
    except (ImproperlyConfigured, CannotRunError, GaveUpError, ports.PortTakenError, story.StoryError) as error:
        say(f"\n{error}")
        return 1
    return 0


def _stop(number: int, frame: object) -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # we are stopping already
    say("\nStopping …")
    raise Stopped


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Make sure that this folder is run once at a time. Raise CannotRunError when it runs already."""
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    with lock.open("a+") as holder:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder.seek(0)
            raise CannotRunError(f"It is running already, as process {holder.read().strip()}.") from error
        holder.truncate(0)
        holder.write(str(os.getpid()))
        holder.flush()
        yield


def run() -> None:
    """Prepare, start, show what there is, and look after it."""
    write_dotenv(BASE / ".env")
    env = Environment(BASE / ".env")
    plan = make_plan(env, MEMORY)
    claim_database(env, MEMORY, sandbox=plan.sandbox)
    command(plan, "-m", "project.prepare")
    at_hand.forget_sandbox(MEMORY)  # of a run that was killed
    with Supervisor() as supervisor:
        start_programs(supervisor, plan)
        connect(plan, public_url=env.text("PUBLIC_URL"))
        if plan.sandbox:
            show_sandbox(supervisor, plan)
            at_hand.note_sandbox(MEMORY, env, plan.environment)
        show_addresses(plan, env, password=command(plan, "-m", "project.first_user", quiet=True))
        supervisor.tend_for_ever()


# -- Starting ---------------------------------------------------------------------------------------------------


def start_programs(supervisor: Supervisor, plan: Plan) -> None:
    """Start sandbox, web and worker, each when the one before answers."""
    if plan.sandbox:
        supervisor.start(sandbox_program(plan))
        wait_for(supervisor, "the sandbox", plan.sandbox_port, "/sandbox/brevo/state")
    supervisor.start(web_program(plan))
    supervisor.start(worker_program(plan))
    wait_for(supervisor, "the web server", plan.web_port, "/health/live")


def sandbox_program(plan: Plan) -> Program:
    """Return the stand-in for Calendly and Brevo."""
    state = str(MEMORY / "sandbox.json")
    command = [sys.executable, "-m", "sandbox", "--port", str(plan.sandbox_port), "--state-file", state]
    return Program(name="sandbox", command=command, stops_last=True)


def web_program(plan: Plan) -> Program:
    """Return the web server, on loopback: in front of it belongs what speaks HTTPS."""
    command = [sys.executable, "-m", "gunicorn", "--config", SERVER, "--chdir", str(BASE)]
    command += ["--bind", f"{ports.HOST}:{plan.web_port}", "--graceful-timeout", "10"]  # less than the supervisor's
    return Program(name="web", command=command, environment=plan.environment)


def worker_program(plan: Plan) -> Program:
    """Return the worker that does everything in the background."""
    command = [sys.executable, MANAGE, "calendly_worker", "--concurrency", "4"]
    return Program(name="worker", command=command, environment=plan.environment)


def wait_for(supervisor: Supervisor, what: str, port: int, path: str) -> None:
    """Wait until a program answers on its port. Raise CannotRunError when it stays silent for a minute."""
    if not supervisor.tend_until(lambda: 0 < ports.ask(port, "GET", path, seconds=5)[0] < 500, seconds=60):
        raise CannotRunError(f"After a minute {what} still doesn't answer on port {port}. Its lines above may say why.")


def command(plan: Plan, *arguments: str, quiet: bool = False) -> str:
    """Run one command of the set-up and return its output. Raise CannotRunError when it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE,
        env={**os.environ, **plan.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if quiet else subprocess.STDOUT,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    if done.returncode:
        raise CannotRunError(f"`{' '.join(arguments)}` failed:\n{done.stdout}{done.stderr or ''}".rstrip())
    if not quiet:
        for line in done.stdout.splitlines():
            say(f"  setup | {line}")
    return done.stdout


def connect(plan: Plan, *, public_url: str) -> None:
    """Connect the accounts and order the webhooks: a failure ends a sandbox run, and is only told in a real one."""
    steps: list[tuple[str, ...]] = [("calendly_connect", "--create-attributes")]
    if plan.sandbox or public_url.startswith("https://"):
        steps.append(("calendly_subscribe",))
    for step in steps:
        try:
            command(plan, MANAGE, *step)
        except CannotRunError as error:
            if plan.sandbox:
                raise
            say(f"{error}\nPut that right, and then: .venv/bin/python manage.py {' '.join(step)}")


# -- Telling ----------------------------------------------------------------------------------------------------


def show_sandbox(supervisor: Supervisor, plan: Plan) -> None:
    """Play the story on the first run, and print what Brevo holds."""
    if not story_mark(MEMORY).exists():
        say("Playing a story: four people book, one moves, one cancels, one does not turn up …")
        complete = story.play(supervisor, plan.sandbox_port)
        story_mark(MEMORY).touch()
        if not complete:
            say("Not everything has reached Brevo yet; the worker is still at it.")
    say("\nWhat Brevo holds now:\n")
    say(story.render_table(story.read_people(plan.sandbox_port)))


def show_addresses(plan: Plan, env: Environment, *, password: str) -> None:
    """Print what to open, whom to log in as, and what to do next."""
    web = plan.environment["PUBLIC_URL"]
    rows = [("Admin", f"{web}/{env.text('ADMIN_PATH', 'admin').strip('/')}/")]
    if plan.sandbox:
        sandbox = f"http://{ports.HOST}:{plan.sandbox_port}"
        rows += [("Calendly's desk", f"{sandbox}/sandbox/calendly"), ("Brevo's window", f"{sandbox}/sandbox/brevo")]
    rows.append(("Log in as", f"admin, password {password} (shown this once)" if password else FORGOTTEN))
    say("\n" + "\n".join(f"  {label:<16} {value}" for label, value in rows) + "\n")
    for hint in next_steps(env, plan):
        say(f"  {hint}")
    say("  Ctrl-C stops everything.")


FORGOTTEN = "your staff user (forgotten? .venv/bin/python manage.py changepassword admin)"


def next_steps(env: Environment, plan: Plan) -> list[str]:
    """Return what is still missing for real bookings to arrive."""
    if plan.sandbox:
        return [
            "This is the sandbox. For your own put credentials into .env (README, “Connect your real accounts”).",
            "Commands go with it while it runs; try: .venv/bin/python manage.py calendly_doctor",
        ]
    hints = []
    if not env.text("BREVO_API_KEY"):
        hints.append("BREVO_API_KEY is not set: nothing can be written to Brevo yet.")
    if not env.text("CALENDLY_ACCESS_TOKEN"):
        hints.append("CALENDLY_ACCESS_TOKEN is not set: connect Calendly in the admin.")
    if not env.text("PUBLIC_URL").startswith("https://"):
        hints.append(
            "PUBLIC_URL is not an https:// address: Calendly can't deliver webhooks. Set it to the address under which "
            f"the world reaches port {plan.web_port} of this machine, and run again."
        )
    return hints or ["Book a meeting in Calendly: it appears in the admin, then in Brevo."]


if __name__ == "__main__":
    sys.exit(main())
