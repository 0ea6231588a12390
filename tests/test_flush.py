"""After a test with real transactions the database is as it was: what the test added is gone, what it took is back."""

from django.contrib.auth.models import Group, Permission

from calendly_connector.models import Job
from calendly_connector.services import queue
from tests.flush import Emptier


def test_rows_that_were_added_go_and_rows_that_were_there_come_back(transactional_db: None) -> None:
    emptier, groups = Emptier(), sorted(Group.objects.values_list("pk", "name"))
    permissions = Permission.objects.count()
    queue.enqueue("turn", 1)
    Permission.objects.first().delete()  # type: ignore[union-attr]
    Group.objects.all().delete()

    emptier.empty()

    assert Job.objects.count() == 0
    assert sorted(Group.objects.values_list("pk", "name")) == groups != []
    assert Permission.objects.count() == permissions > 100


def test_the_next_test_finds_what_migrations_made(transactional_db: None) -> None:
    assert Permission.objects.count() > 100
    assert not Job.objects.exists()
