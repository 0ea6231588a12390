"""What `make run` decides before it starts anything."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from project import ports
from project.environment import Environment
from project.plan import CannotRunError, claim_database, kept_secret, make_plan, story_mark, write_dotenv


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "no.env")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_file_of_settings_in_another_encoding_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"EMAIL_FROM=S\xf8ren\n")

    with pytest.raises(CannotRunError, match="no text in UTF-8"):
        write_dotenv(dotenv)

    assert dotenv.read_bytes() == b"EMAIL_FROM=S\xf8ren\n"


def test_secrets_are_written_once_for_our_eyes_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    dotenv = tmp_path / ".env"

    write_dotenv(dotenv)
    first = dotenv.read_text()
    write_dotenv(dotenv)

    assert dotenv.read_text() == first
    assert "SECRET_KEY=" in first
    assert dotenv.stat().st_mode & 0o777 == 0o600


def test_a_dotenv_with_credentials_only_gets_the_secrets_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    dotenv = tmp_path / ".env"
    dotenv.write_text("BREVO_API_KEY=mine\nDEBUG=true")

    write_dotenv(dotenv)

    written = dotenv.read_text()
    assert written.startswith("BREVO_API_KEY=mine\nDEBUG=true\n#")
    assert "SECRET_KEY=" in written
    assert "DEBUG=false" not in written


def test_no_dotenv_where_the_environment_has_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "from-the-environment")

    write_dotenv(tmp_path / ".env")

    assert not (tmp_path / ".env").exists()


def test_without_credentials_everything_points_at_the_sandbox(env: Environment, memory: Path) -> None:
    plan = make_plan(env, memory)

    base = f"http://127.0.0.1:{plan.sandbox_port}"
    assert plan.sandbox
    assert plan.environment["CALENDLY_API_URL"] == plan.environment["CALENDLY_AUTH_URL"] == base
    assert plan.environment["BREVO_API_URL"] == f"{base}/v3"
    assert plan.environment["PUBLIC_URL"] == f"http://127.0.0.1:{plan.web_port}"


@pytest.mark.parametrize("name", ["CALENDLY_ACCESS_TOKEN", "CALENDLY_CLIENT_ID", "BREVO_API_KEY"])
def test_one_credential_is_enough_to_leave_the_sandbox(
    env: Environment, memory: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "given")

    plan = make_plan(env, memory)

    assert not plan.sandbox
    assert not {"CALENDLY_API_URL", "BREVO_API_URL", "BREVO_API_KEY"} & set(plan.environment)


def test_the_signing_key_of_the_sandbox_survives(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "key")

    assert kept_secret(tmp_path / "key") == first
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_port_that_was_asked_for_and_is_taken_is_named(taken_port: int) -> None:
    with pytest.raises(ports.PortTakenError, match=f"Port {taken_port} is taken, and PORT asks for exactly that one"):
        ports.choose("PORT", wanted=str(taken_port), default=8000)


def test_without_a_wish_the_next_free_port_is_taken(taken_port: int) -> None:
    chosen = ports.choose("PORT", wanted="", default=taken_port)

    assert chosen > taken_port
    assert ports.is_free(chosen)


@pytest.mark.parametrize("wish", ["http", "0", "65536", "-1", "8000.0"])
def test_a_port_that_is_none_is_refused(wish: str) -> None:
    with pytest.raises(ports.PortTakenError, match="write a port number"):
        ports.choose("PORT", wanted=wish, default=8000)


class TestClaimDatabase:
    """Invented people never reach a real account, real bookings are never worked off in the sandbox."""

    @pytest.fixture(autouse=True)
    def database(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "some.sqlite3"
        monkeypatch.setitem(os.environ, "DATABASE_URL", f"sqlite:///{path}")
        return path

    @pytest.mark.parametrize("sandbox", [True, False])
    def test_the_same_side_may_come_again(self, env: Environment, memory: Path, database: Path, sandbox: bool) -> None:
        claim_database(env, memory, sandbox=sandbox)
        database.touch()
        story_mark(memory).touch()

        claim_database(env, memory, sandbox=sandbox)

        assert story_mark(memory).exists()

    @pytest.mark.parametrize(("before", "words"), [(True, "invented people"), (False, "real bookings")])
    def test_changing_sides_is_refused(
        self, env: Environment, memory: Path, database: Path, before: bool, words: str
    ) -> None:
        claim_database(env, memory, sandbox=before)
        database.touch()

        with pytest.raises(CannotRunError, match=words):
            claim_database(env, memory, sandbox=not before)

    def test_a_new_database_begins_with_a_new_sandbox(self, env: Environment, memory: Path) -> None:
        claim_database(env, memory, sandbox=True)
        (memory / "sandbox.json").touch()
        story_mark(memory).touch()

        claim_database(env, memory, sandbox=True)

        assert not (memory / "sandbox.json").exists()
        assert not story_mark(memory).exists()
