"""Drives the app as the outside does: posts Calendly's deliveries, lets the worker run, reads the sandbox's Brevo."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.models import BrevoAccount, FieldMapping, Job, RateLimit, SyncLogEntry, TriggerMapping
from calendly_connector.services import limits, setup, subscription
from calendly_connector.services.bell import Bell
from calendly_connector.services.connection import environment_connection
from calendly_connector.services.worker import Worker
from sandbox.app import Sandbox
from sandbox.calendly_webhooks import Delivery, signature
from sandbox.world import Call, Fault

SIGNING_KEY = "a-signing-key-for-tests-0123456789"


class River:
    """One installation between a sandbox's Calendly and its Brevo."""

    def __init__(self, sandbox: Sandbox, settings: Settings) -> None:
        sandbox.reset()
        sandbox.calendly.deliveries.mode = "hold"
        sandbox.brevo.limits.enabled = False
        self.sandbox, self.calendly, self.brevo = sandbox, sandbox.calendly, sandbox.brevo
        self.client = Client()
        settings.CALENDLY_API_URL = settings.CALENDLY_AUTH_URL = sandbox.url
        settings.BREVO_API_URL = f"{sandbox.url}/v3"
        settings.CALENDLY_ACCESS_TOKEN = "sandbox-calendly-token"
        settings.BREVO_API_KEY = "sandbox-brevo-key"
        settings.CALENDLY_WEBHOOK_SIGNING_KEY = SIGNING_KEY
        settings.PUBLIC_URL = "http://127.0.0.1:1"  # nobody listens: deliveries are held

    def connect(self) -> None:
        """Connect both accounts, make the missing attributes, subscribe."""
        self.connection = environment_connection()
        report = setup.check(self.connection)
        setup.create_attributes(self.connection, report.missing_attributes)
        subscription.subscribe(self.connection)
        self.connection.refresh_from_db()
        self.open_limits()

    def open_limits(self) -> None:
        """Let the app make calls as fast as it can: the pace has tests of its own."""
        limits.open_buckets(self.account.pk)
        RateLimit.objects.update(interval=0.0, free_at=0.0)

    @property
    def account(self) -> BrevoAccount:
        """Return the Brevo account as it is now."""
        return BrevoAccount.objects.get(connections=self.connection)

    def map_lists(
        self, trigger: str, *, join: Sequence[int] = (), leave: Sequence[int] = (), event_type: str = ""
    ) -> None:
        """Let a trigger join and leave lists."""
        TriggerMapping.objects.create(
            connection=self.connection,
            event_type=event_type,
            trigger=trigger,
            join_lists=list(join),
            leave_lists=list(leave),
        )

    def map_field(self, source: str, attribute: str, *, overwrite: str = "always") -> None:
        """Write a source of the booking to an attribute, in place of what was written to it before."""
        FieldMapping.objects.update_or_create(
            connection=self.connection, attribute=attribute, defaults={"source": source, "overwrite": overwrite}
        )

    def add_attribute(self, name: str, **details: Any) -> None:
        """Add an attribute in Brevo that the app will know of at its next write."""
        self.brevo.add_attribute(name, **details)
        self.forget_attributes()

    def forget_attributes(self) -> None:
        """Let the app read Brevo's attributes again at its next write."""
        BrevoAccount.objects.update(attributes_read_at=None)

    def break_brevo(self, kind: Any, path: str = "", *, method: str = "POST", **details: Any) -> None:
        """Plan a misbehaviour of Brevo's."""
        self.sandbox.world.faults.add(Fault(provider="brevo", kind=kind, method=method, path=path, **details))

    def break_calendly(self, kind: Any, path: str = "", **details: Any) -> None:
        """Plan a misbehaviour of Calendly's API."""
        self.sandbox.world.faults.add(Fault(provider="calendly", kind=kind, path=path, **details))

    def mend(self) -> None:
        """Forget every planned misbehaviour."""
        self.sandbox.world.faults.clear()

    def calls(self, template: str = "", method: str = "POST") -> list[Call]:
        """Return the calls that reached Brevo since the accounts were connected."""
        return self.sandbox.world.journal.calls("brevo", method=method, template=template)

    def pending(self) -> list[Delivery]:
        """Return what Calendly wants to deliver, oldest first."""
        return self.calendly.deliveries.pending()

    def post(self, delivery: Delivery) -> int:
        """Post one delivery as Calendly would and return the status."""
        return self.post_raw(delivery.body, delivery.headers(time.time())["Calendly-Webhook-Signature"])

    def post_raw(self, body: bytes, signature: str, path: str = "/webhooks/calendly", **extra: Any) -> int:
        """Post any bytes and return the status."""
        headers = {"Calendly-Webhook-Signature": signature, **extra.pop("headers", {})}
        options = {"content_type": "application/json", **extra}
        return self.client.post(path, data=body, headers=headers, **options).status_code

    def post_body(self, body: bytes) -> int:
        """Post a body as Calendly would, signed now, and return the status."""
        return self.post_raw(body, signature(SIGNING_KEY, int(time.time()), body))

    def deliver(self, *deliveries: Delivery) -> None:
        """Post deliveries (all that are pending by default), expecting them to be accepted."""
        for delivery in deliveries or self.pending():
            assert self.post(delivery) == 200
            self.calendly.deliveries.drop(delivery)

    def work(self) -> int:
        """Do all work that is due now."""
        return Worker(tasks.TASKS, concurrency=1, bell=Bell()).drain()

    def flow(self) -> None:
        """Deliver everything and do the work."""
        self.deliver()
        self.work()

    def hurry(self) -> None:
        """Bring waiting jobs forward and open the limits that a 429 closed: time passes."""
        Job.objects.filter(state="ready").update(run_after=timezone.now())
        RateLimit.objects.filter(blocked_until__lt=limits.PAUSED).update(blocked_until=0.0, free_at=0.0)

    def wait_for_lost_answers(self) -> None:
        """Let so much time pass that an event of unknown outcome that isn't in Brevo is sent again."""
        SyncLogEntry.objects.filter(state="unknown").update(sent_at=F("sent_at") - timedelta(hours=1))
        self.hurry()

    def contact(self, email: str) -> dict[str, Any]:
        """Return a contact as Brevo's API shows it."""
        found = self.brevo.contact(email)
        assert found is not None, f"Brevo has no contact {email}"
        return found

    def event_names(self, email: str) -> list[str]:
        """Return the names of a person's automation events, oldest first, without the common beginning."""
        events = sorted(self.brevo.events(email=email), key=lambda event: event["event_date"])
        return [event["event_name"].removeprefix("calendly_meeting_") for event in events]

    def log(self, **filters: Any) -> list[SyncLogEntry]:
        """Return sync log entries, oldest first."""
        return list(SyncLogEntry.objects.filter(**filters).order_by("pk"))
