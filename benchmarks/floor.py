"""The floor: a bare Django view that verifies the signature and inserts one row, served as the connector's web is.

No middleware, no framework on top, no job to ask for. `gunicorn benchmarks.floor:application`, configured by the
environment.
"""

import hashlib
import hmac
import os

import django
from django.conf import settings

from project.settings import DATABASES

KEY = os.environ["CALENDLY_WEBHOOK_SIGNING_KEY"].encode()
settings.configure(
    SECRET_KEY="of-a-benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES=DATABASES,  # the very same options: WAL, IMMEDIATE, connections that stay open
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - the settings come first
from django.db import connection, models  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402


class Row(models.Model):
    """One webhook."""

    digest = models.BinaryField(unique=True)
    body = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        """Of no app."""

        app_label = "benchmarks"

    def __str__(self) -> str:
        return f"webhook {self.pk}"


def create_table() -> None:
    """Create the one table, in a new database."""
    with connection.schema_editor() as editor:
        editor.create_model(Row)
    connection.close()


def receive(request: HttpRequest) -> HttpResponse:
    """Verify, insert, answer."""
    stamp, _, given = request.headers["Calendly-Webhook-Signature"].removeprefix("t=").partition(",v1=")
    body = request.body
    if not hmac.compare_digest(hmac.new(KEY, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest(), given):
        return HttpResponse(status=403)
    Row(digest=hashlib.sha256(body).digest(), body=body, received_at=timezone.now()).save(force_insert=True)
    return JsonResponse({"stored": True})


urlpatterns = [path("webhooks/calendly", receive), path("health/live", lambda request: HttpResponse())]
application = WSGIHandler()
create_table()
