"""The floor: a bare Django view that verifies the signature and inserts one row, served as the connector's web is.

Less than this no Django webhook can do. `gunicorn benchmarks.floor:application`, configured by the environment.
"""

import hashlib
import hmac
import os

from django.conf import settings

from project.settings import DATABASES

KEY = os.environ["CALENDLY_WEBHOOK_SIGNING_KEY"].encode()
settings.configure(
    SECRET_KEY="of-a-benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES=DATABASES,  # the very same options: WAL, IMMEDIATE, connections that stay open
)

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - the settings come first
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402

TABLE = """
CREATE TABLE IF NOT EXISTS benchmark_floor
  (id {serial}, digest {bytes} NOT NULL UNIQUE, body {bytes} NOT NULL, received_at {moment} NOT NULL)
"""
TYPES = {
    "sqlite": {"serial": "integer PRIMARY KEY AUTOINCREMENT", "bytes": "BLOB", "moment": "datetime"},
    "postgresql": {"serial": "bigserial PRIMARY KEY", "bytes": "bytea", "moment": "timestamptz"},
}
INSERT = "INSERT INTO benchmark_floor (digest, body, received_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


def create_table() -> None:
    """Create the one table."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE.format(**TYPES[connection.vendor]))
    connection.close()


def receive(request: HttpRequest) -> HttpResponse:
    """Verify, insert, answer."""
    stamp, _, given = request.headers["Calendly-Webhook-Signature"].removeprefix("t=").partition(",v1=")
    body = request.body
    if not hmac.compare_digest(hmac.new(KEY, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest(), given):
        return HttpResponse(status=403)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [hashlib.sha256(body).digest(), body, now])
    return JsonResponse({"stored": True})


urlpatterns = [path("webhooks/calendly", receive), path("health/live", lambda request: HttpResponse())]
application = WSGIHandler()
create_table()
