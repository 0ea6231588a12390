"""Is it alive, is it ready: for load balancers and supervisors. How the work goes is told by /metrics, not here."""

from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

NO_DATABASE = "the database doesn't answer"
MIGRATE = "the database isn't of this version: run manage.py migrate"


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process can answer at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when requests can be served, else 503 with the reason. Two small queries.

    A dead worker is no reason: what comes in is stored all the same, and a load balancer could only make it worse.
    """
    trouble = _trouble()
    return JsonResponse({"status": trouble or "ok"}, status=503 if trouble else 200)


def _trouble() -> str:
    """Return what stands in the way, empty when nothing does."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return NO_DATABASE
    wanted = _newest_migrations()
    names = [name for _, name in wanted]
    try:
        applied = set(MigrationRecorder.Migration.objects.filter(name__in=names).values_list("app", "name"))
    except DatabaseError:  # there isn't even the table of migrations
        return MIGRATE
    return "" if wanted <= applied else MIGRATE


@cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each app, by this process's own code: read once, for files don't change under it."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())
