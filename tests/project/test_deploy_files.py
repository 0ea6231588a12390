"""The dashboard and the alert rules that are shipped ask only for metrics that there are, by labels that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from calendly_connector.services import metrics

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = re.compile(r"\b(calendly_connector_\w+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
LABEL = re.compile(r"(\w+)=~?\"")
ALERTED = (
    *("last_delivery_timestamp_seconds", "delivery_lag_seconds", "worker_last_seen_timestamp_seconds"),
    *("account_paused", "outcomes_total", "connection_subscription_dead"),
    *("connection_token_expires_timestamp_seconds", "disk_free_bytes"),
)


def dashboard() -> list[str]:
    """Return the queries of every panel."""
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def rules() -> list[dict[str, Any]]:
    """Return the alerts."""
    groups: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def asked(queries: list[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric that is asked for, with the labels that it is filtered by."""
    for query in queries:
        for name, filters in NAME.findall(query):
            yield name, set(LABEL.findall(filters))


@pytest.fixture
def shown(db: None) -> dict[str, set[str]]:
    """Return the names that /metrics tells as Prometheus stores them, each with its labels."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(Client().get("/metrics").content.decode()):
        about = metrics.METRICS[family.name.removeprefix(metrics.PREFIX)]
        found[family.name + ("_total" if about.is_counter else "")] = set(about.labels)
    return found


@pytest.mark.parametrize("which", ["dashboard", "alerts"])
def test_every_metric_that_is_asked_for_is_there(shown: dict[str, set[str]], which: str) -> None:
    queries = dashboard() if which == "dashboard" else [rule["expr"] for rule in rules()]

    wanted = list(asked(queries))

    assert len(wanted) >= 20
    assert [name for name, _ in wanted if name not in shown] == []
    assert [(name, labels) for name, labels in wanted if not labels <= shown[name]] == []


def test_queries_group_by_labels_that_the_metrics_have(shown: dict[str, set[str]]) -> None:
    for query in [*dashboard(), *(rule["expr"] for rule in rules())]:
        grouped = {label.strip() for part in GROUPED.findall(query) for label in part.split(",")} - {""}
        known = set().union(*(shown[name] for name, _ in asked([query])))
        assert grouped <= known, query


def test_every_metric_is_on_the_dashboard_or_alerted_about(shown: dict[str, set[str]]) -> None:
    used = {name for name, _ in asked([*dashboard(), *(rule["expr"] for rule in rules())])}

    assert shown.keys() == used


def test_what_must_wake_somebody_has_an_alert() -> None:
    names = {name.removeprefix(metrics.PREFIX) for name, _ in asked([rule["expr"] for rule in rules()])}

    assert set(ALERTED) <= names


def test_every_alert_says_what_and_what_to_do() -> None:
    for rule in rules():
        assert rule.keys() >= {"alert", "expr", "labels", "annotations"}, rule
        assert rule["annotations"].keys() == {"summary", "description"}
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_every_alert_is_explained_in_the_docs() -> None:
    text = (DEPLOY.parent / "docs" / "watch.md").read_text(encoding="utf-8")

    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in text] == []
    assert [name for name in metrics.METRICS if f"`{name}" not in text] == []
