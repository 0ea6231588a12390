"""The environment's connection, and the clients it hands out."""

import threading

import pytest
from django.db import connection as database
from pytest_django.fixtures import Settings

from calendly_connector.models import BrevoAccount, Connection, FieldMapping, RateLimit
from calendly_connector.services import connection as connections
from calendly_connector.services import limits, mapping


def test_the_environments_connection_is_made_once_with_the_default_mapping(db: None) -> None:
    first, second = connections.environment_connection(), connections.environment_connection()

    assert first == second
    assert Connection.objects.count() == BrevoAccount.objects.count() == 1
    assert dict(FieldMapping.objects.values_list("attribute", "source")) == mapping.DEFAULT_FIELDS
    assert RateLimit.objects.count() == len(limits.INTERVALS)


def test_a_mapping_that_staff_changed_is_not_put_back(connection: Connection) -> None:
    FieldMapping.objects.filter(attribute="COMPANY").delete()
    FieldMapping.objects.filter(attribute="FIRSTNAME").update(source="name")

    connections.environment_connection()
    mapping.create_defaults(connection)

    assert FieldMapping.objects.get(attribute="FIRSTNAME").source == "name"


def test_many_first_webhooks_make_one_connection(transactional_db: None) -> None:
    together, made = threading.Barrier(4), []

    def ask() -> None:
        try:
            together.wait()
            made.append(connections.environment_connection().pk)
        finally:
            database.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 4
    assert Connection.objects.count() == 1
    assert FieldMapping.objects.count() == len(mapping.DEFAULT_FIELDS)


def test_a_missing_credential_is_named_with_its_place(connection: Connection) -> None:
    with pytest.raises(connections.NotConfigured, match="CALENDLY_ACCESS_TOKEN"):
        connections.calendly_client(connection)
    with pytest.raises(connections.NotConfigured, match="BREVO_API_KEY"):
        connections.brevo_client(connection.brevo_account)


def test_a_client_is_kept_until_its_credential_changes(connection: Connection, settings: Settings) -> None:
    settings.CALENDLY_ACCESS_TOKEN = settings.BREVO_API_KEY = "first"
    calendly, brevo = connections.calendly_client(connection), connections.brevo_client(connection.brevo_account)
    assert connections.calendly_client(connection) is calendly
    assert connections.brevo_client(connection.brevo_account) is brevo

    settings.CALENDLY_ACCESS_TOKEN = settings.BREVO_API_KEY = "second"

    assert connections.calendly_client(connection) is not calendly
    assert connections.brevo_client(connection.brevo_account) is not brevo


def test_each_account_has_a_client_that_watches_its_own_limits(connection: Connection, settings: Settings) -> None:
    settings.BREVO_API_KEY = "the-same-key"
    other = BrevoAccount.objects.create(name="Other")

    assert connections.brevo_client(connection.brevo_account) is not connections.brevo_client(other)


def test_the_environments_secrets_belong_to_its_connection_only(connection: Connection, settings: Settings) -> None:
    settings.CALENDLY_ACCESS_TOKEN, settings.CALENDLY_WEBHOOK_SIGNING_KEY = "a-token", "a-key"
    other = Connection.objects.create(name="Other", brevo_account=connection.brevo_account)

    assert connections.signing_keys(connection) == ["a-key"]
    assert connections.signing_keys(other) == []
    with pytest.raises(connections.NotConfigured):
        connections.calendly_client(other)
