"""What a token lets us do, told feature by feature."""

import base64
from collections.abc import Iterable

import pytest

from calendly_connector.core.capabilities import (
    FEATURES,
    NEEDED,
    Capability,
    capabilities,
    missing_scopes,
    scopes_in,
    without,
)

EVERYTHING = [
    "users:read", "organizations:read", "webhooks:write", "scheduled_events:read", "scheduled_events:write",
    "event_types:read", "availability:read", "scheduling_links:write",
]  # fmt: skip
EVERYBODY = "Everybody's bookings in the organization"


@pytest.mark.parametrize(
    ("needed", "granted", "missing"),
    [
        ([], [], ()),
        (["b:read", "a:read"], [], ("a:read", "b:read")),
        (["a:read", "b:read"], ["b:read"], ("a:read",)),
        (["a:read"], ["a:write"], ()),
        (["a:write"], ["a:read"], ("a:write",)),
        (["a:write", "a:read"], ["a:write"], ()),
        (["a:read"], ["default"], ()),
        (["a:read"], ["b:write", "default:read"], ("a:read",)),
        (["write:read"], ["write:x"], ("write:read",)),
    ],
)
def test_missing_is_what_is_needed_and_not_granted(
    needed: list[str], granted: list[str], missing: tuple[str, ...]
) -> None:
    assert missing_scopes(needed, granted) == missing


def test_only_the_scopes_of_features_are_asked_for() -> None:
    assert sorted(EVERYTHING) == sorted(NEEDED)


@pytest.mark.parametrize("granted", [None, EVERYTHING, ["default"]])
@pytest.mark.parametrize("role", ["owner", "admin"])
def test_everything_works_with_every_scope_and_role(granted: Iterable[str] | None, role: str) -> None:
    found = capabilities(granted, role=role)

    assert found == [
        *(Capability(feature=feature.name, works=True) for feature in FEATURES),
        Capability(feature=EVERYBODY, works=True),
    ]


def test_token_that_does_not_tell_is_believed() -> None:
    assert all(capability.works is True for capability in capabilities(None, role="owner"))


@pytest.mark.parametrize("role", ["user", "", "Owner"])
def test_plain_member_sees_their_own_bookings_only(role: str) -> None:
    *features, everybody = capabilities(EVERYTHING, role=role)

    assert all(capability.works for capability in features)
    assert everybody == Capability(
        feature=EVERYBODY,
        works=False,
        lacks="Only the bookings of this user are seen: that takes an owner or admin of the organization.",
    )


def test_feature_without_its_scopes_says_which() -> None:
    found = {capability.feature: capability for capability in capabilities(["users:read"], role="owner")}

    assert found["Receive bookings (webhooks)"] == Capability(
        feature="Receive bookings (webhooks)",
        works=False,
        lacks="The token lacks the scope scheduled_events:read, webhooks:write.",
    )
    assert found["See whose account it is"].lacks == "The token lacks the scope organizations:read."
    assert found[EVERYBODY].works


def token_with(claims: bytes, *, parts: str = "head.{}.signature") -> str:
    """Return a token of Calendly's form; like theirs, its middle part carries no padding."""
    return parts.format(base64.urlsafe_b64encode(claims).decode().rstrip("="))


@pytest.mark.parametrize(
    ("token", "scopes"),
    [
        (token_with(b'{"scope": "users:read webhooks:write"}'), {"users:read", "webhooks:write"}),
        (token_with(b'{"scope": "default"}'), {"default"}),
        (token_with(b'{"scope": " default  x "}'), {"default", "x"}),
        (token_with('{"scope": "ÿ?>ÿ?>"}'.encode()), {"ÿ?>ÿ?>"}),
        (token_with(b'{"scope": "padded"} '), {"padded"}),
        (token_with(b'{"scope": "padded"}  '), {"padded"}),
        (token_with(b'{"scope": "padded"}   '), {"padded"}),
    ],
)
def test_scopes_stand_in_the_token_itself(token: str, scopes: set[str]) -> None:
    assert scopes_in(token) == frozenset(scopes)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "sandbox-calendly-token",
        "a.b",
        "a.b.c",
        "a.é.c",
        token_with(b'{"scope": "x"}', parts="head.{}"),
        token_with(b'{"scope": "x"}', parts="head.{}.signature.more"),
        token_with(b'{"scope": "x"}', parts="{}.head.signature"),
        token_with(b"no JSON"),
        token_with(b"\xff\xfe"),
        token_with(b'["scope"]'),
        token_with(b'{"scopes": "x"}'),
        token_with(b'{"scope": ["x"]}'),
        token_with(b'{"scope": null}'),
        token_with(b'{"scope": "  "}'),
        token_with(b"[" * 100_000),
    ],
)
def test_token_of_another_form_does_not_tell(token: str) -> None:
    assert scopes_in(token) is None


@pytest.mark.parametrize(
    ("granted", "refused", "left"),
    [
        (["a:read", "b:read"], ["a:read"], {"b:read"}),
        (["a:write", "b:read"], ["a:read"], {"b:read"}),
        (["a:read", "a:write"], ["a:write"], {"a:read"}),
        (["a:read"], [], {"a:read"}),
        ([], ["a:read"], set()),
        (None, [], set(NEEDED)),
        (None, ["users:read"], set(NEEDED) - {"users:read"}),
        (["default", "x:read"], ["webhooks:write"], set(NEEDED) - {"webhooks:write"}),
        (["default"], ["webhooks:read"], set(NEEDED) - {"webhooks:write"}),
    ],
)
def test_refused_scopes_are_no_longer_counted(granted: list[str] | None, refused: list[str], left: set[str]) -> None:
    assert without(granted, refused) == left
