"""What the benchmarks post is taken for what it is meant to be: or their figures would be of something else."""

import pytest

from benchmarks import lives
from benchmarks.load import Factory
from calendly_connector.models import Job, WebhookDelivery
from tests.journeys.river import SIGNING_KEY, River

TOLD = {"booked": ["booked"], "moved": ["booked", "rescheduled"], "canceled": ["booked", "canceled"]}


@pytest.mark.parametrize("kind", lives.KINDS)
def test_each_kind_of_life_is_told_as_what_it_is(river: River, kind: str) -> None:
    first, rest = lives.life(Factory(SIGNING_KEY), kind)

    for webhooks in ([first], rest):
        for each in webhooks:
            assert river.post_raw(each.body, each.headers["Calendly-Webhook-Signature"]) == 200
        river.work()

    assert river.event_names(first.email) == TOLD[kind]


def test_of_five_people_one_moves_and_one_cancels(river: River) -> None:
    for each in lives.mixed(Factory(SIGNING_KEY), lives.LAG + 5):
        assert river.post_raw(each.body, each.headers["Calendly-Webhook-Signature"]) == 200
    river.work()

    told = sorted(event["event_name"].removeprefix("calendly_meeting_") for event in river.brevo.events())
    assert told == ["booked"] * 35 + ["canceled"] * 7 + ["rescheduled"] * 7
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"processed"}
    assert not Job.objects.filter(kind="push").exists()
