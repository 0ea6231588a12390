"""What a Calendly token lets us do: scopes, role and plan against what each feature needs (calendly-api.md §3)."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass

FULL_ACCESS = "default"
"""The scope of tokens made before March 2026: everything."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """Something staff can use, and the scopes that it needs."""

    name: str
    scopes: frozenset[str]


FEATURES = (
    Feature(name="See whose account it is", scopes=frozenset({"users:read", "organizations:read"})),
    Feature(name="Receive bookings (webhooks)", scopes=frozenset({"webhooks:write", "scheduled_events:read"})),
    Feature(name="Read bookings again (repair, history)", scopes=frozenset({"scheduled_events:read"})),
    Feature(name="Event types for the mapping", scopes=frozenset({"event_types:read"})),
    Feature(name="Mark no-shows and cancel meetings", scopes=frozenset({"scheduled_events:write"})),
    Feature(
        name="Booking pages of your own",
        scopes=frozenset({"availability:read", "event_types:read", "scheduled_events:write"}),
    ),
    Feature(
        name="Single-use links for campaigns and no-shows",
        scopes=frozenset({"event_types:read", "scheduling_links:write"}),
    ),
)
"""Only what is switched on: nobody is asked for more than is used."""

NEEDED = frozenset(scope for feature in FEATURES for scope in feature.scopes)


@dataclass(frozen=True, kw_only=True)
class Capability:
    """Whether one feature works, and what it lacks, in staff's words."""

    feature: str
    works: bool
    lacks: str = ""


def missing_scopes(needed: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes that are needed and not granted; `X:write` includes `X:read`."""
    have = set(granted)
    if FULL_ACCESS in have:
        return ()
    have |= {scope.replace(":write", ":read") for scope in have if scope.endswith(":write")}
    return tuple(sorted(set(needed) - have))


def scopes_in(token: str) -> frozenset[str] | None:
    """Return the scopes that a token claims to have, for display only: nothing is verified. None: it doesn't tell.

    Calendly's tokens are JWTs with a `scope` claim (calendly-api.md §2.1), which isn't contractual.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    scope = claims.get("scope") if isinstance(claims, dict) else None
    return frozenset(scope.split()) if isinstance(scope, str) and scope.strip() else None


def without(granted: Iterable[str] | None, refused: Iterable[str]) -> frozenset[str]:
    """Return what is granted, now that these scopes are known to be missing. Unknown grants count as what is needed."""
    lost = set(refused)
    lost |= {scope.replace(":read", ":write") for scope in lost}
    have = NEEDED if granted is None or FULL_ACCESS in granted else granted
    return frozenset(have) - lost


def capabilities(granted: Iterable[str] | None, *, role: str) -> list[Capability]:
    """Return each feature's state. `granted` is None when the token doesn't tell (a personal token that is no JWT)."""
    found = [_capability(feature, granted) for feature in FEATURES]
    is_admin = role in ("owner", "admin")
    lacks = (
        "" if is_admin else "Only the bookings of this user are seen: that takes an owner or admin of the organization."
    )
    return [*found, Capability(feature="Everybody's bookings in the organization", works=is_admin, lacks=lacks)]


def _capability(feature: Feature, granted: Iterable[str] | None) -> Capability:
    missing = () if granted is None else missing_scopes(feature.scopes, granted)
    words = f"The token lacks the scope {', '.join(missing)}." if missing else ""
    return Capability(feature=feature.name, works=not missing, lacks=words)
