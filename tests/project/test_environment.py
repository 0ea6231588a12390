"""What is kept for a number of days is checked when the settings are read."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.environment import Environment


@pytest.mark.parametrize(("written", "days"), [("", 365), ("0", 0), ("100", 100), ("5000", 5000)])
def test_days_are_0_for_ever_or_enough(written: str, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_LOG_DAYS", written)

    assert Environment(Path("nowhere")).days("KEEP_LOG_DAYS", 365, least=100) == days


@pytest.mark.parametrize("written", ["99", "1", "-1", "a year", "3.5"])
def test_too_few_days_stop_the_start(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_LOG_DAYS", written)

    with pytest.raises(ImproperlyConfigured, match=r"^KEEP_LOG_DAYS is "):
        Environment(Path("nowhere")).days("KEEP_LOG_DAYS", 365, least=100)
