"""`/metrics` for Prometheus. Closed: it tells how much business there is, if not with whom."""

import hmac
import ipaddress
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from calendly_connector import conf
from calendly_connector.services import metrics
from calendly_connector.web import bearer

FORWARDED = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP"),
    *("HTTP_FORWARDED", "HTTP_VIA"),
)
"""What a proxy adds: whoever comes through one isn't on this machine, although the proxy is."""

NOT_YOU = "Give the bearer token METRICS_TOKEN, or, when none is set, ask from this very machine without a proxy.\n"


class OfDatabase(Collector):
    """Reads everything anew at each scrape. Nothing is kept in the process, so any number of them tell the same."""

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its samples."""
        found = metrics.read()
        for name, about in metrics.METRICS.items():
            kind = CounterMetricFamily if about.is_counter else GaugeMetricFamily
            family = kind(metrics.PREFIX + name, about.help, labels=about.labels)
            for labels, value in found.get(name, ()):
                family.add_metric(labels, value)
            yield family


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Answer with all metrics, or 403."""
    if not _may_see(request):
        return HttpResponse(NOT_YOU, status=403, content_type="text/plain; charset=utf-8")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(OfDatabase())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_see(request: HttpRequest) -> bool:
    """Return whether the token fits; without one, whether the request comes from this machine itself."""
    token = conf.metrics_token()
    if token:
        return hmac.compare_digest(bearer.token_in(request), token.encode())
    return _is_loopback(str(request.META.get("REMOTE_ADDR") or "")) and not any(n in request.META for n in FORWARDED)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a Unix socket: a proxy's
        return False
