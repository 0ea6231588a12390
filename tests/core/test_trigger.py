"""The names that are stored and the webhooks that are known."""

from calendly_connector.core import trigger
from calendly_connector.core.trigger import Trigger
from tests import payload_files


def test_stored_values_never_change() -> None:
    assert {member.name: member.value for member in Trigger} == {
        "BOOKED": "booked",
        "RESCHEDULED": "rescheduled",
        "CANCELED": "canceled",
        "NO_SHOW": "no_show",
        "NO_SHOW_UNDONE": "no_show_undone",
        "ATTENDED": "attended",
    }


def test_every_documented_webhook_is_either_used_or_ignored_with_a_reason() -> None:
    documented = {name.split("__")[0] for name in payload_files.names()}

    assert documented == trigger.INVITEE_WEBHOOKS | trigger.OTHER_WEBHOOKS.keys()
    assert not trigger.INVITEE_WEBHOOKS & trigger.OTHER_WEBHOOKS.keys()


def test_withdrawal_of_a_mark_is_one_of_the_used_webhooks() -> None:
    assert trigger.NO_SHOW_DELETED in trigger.INVITEE_WEBHOOKS
