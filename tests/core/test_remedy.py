"""Every cause has a remedy, in words of its own."""

import pytest

from calendly_connector.core import cause, remedy


@pytest.mark.parametrize("code", cause.CODES)
def test_every_cause_has_a_remedy(code: str) -> None:
    found = remedy.remedy_for(cause.of(code, "NAME"))

    assert found is remedy.REMEDIES[code]
    assert (found.title, found.advice) != ("", "")


def test_no_remedy_is_for_a_cause_that_is_none() -> None:
    assert remedy.REMEDIES.keys() == set(cause.CODES)
    assert len({each.title for each in remedy.REMEDIES.values()}) == len(cause.CODES)


@pytest.mark.parametrize("code", ["", "of a later version", "of a later version:NAME"])
def test_what_is_not_known_is_said_to_be_on_the_entries(code: str) -> None:
    assert remedy.remedy_for(code) is remedy.UNEXPLAINED
