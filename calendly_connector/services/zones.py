"""The time zones that somebody may choose from."""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones


def zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every time zone of a place by the part of the world it is in, as a select takes it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(places() & known()):
        area, _slash, place = name.partition("/")
        found.setdefault(area, []).append((name, place.replace("_", " ")))
    return list(found.items())


@cache
def places() -> frozenset[str]:
    """Return the zones that are in use somewhere: no older names of them, and no fixed offsets."""
    lines = files("tzdata").joinpath("zoneinfo/zone.tab").read_text("utf-8").splitlines()
    return frozenset(line.split("\t")[2] for line in lines if line and not line.startswith("#"))


@cache
def known() -> frozenset[str]:
    """Return the name of every zone. Once: Python walks through all of its files whenever it is asked."""
    return frozenset(available_timezones())


def zone_of(*names: str) -> ZoneInfo:
    """Return the first of these names that is a zone (browsers report older names too), else UTC."""
    return ZoneInfo(next((name for name in names if name in known()), "UTC"))
