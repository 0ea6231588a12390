"""How long staff stay logged in, and what ends their sessions everywhere: another password, role, or second factor.

Django ends the sessions of a changed password itself. The rest is a count per user (`StaffLogin.epoch`): a session
remembers the count of its log-in, and is over when it has grown.
"""

import logging
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.management import call_command
from django.db.models import Exists, F, OuterRef, QuerySet, Sum
from django.db.models.signals import m2m_changed, pre_save
from django.utils import timezone

from calendly_connector import conf
from calendly_connector.models import StaffLogin

logger = logging.getLogger(__name__)

KEY = "calendly_connector_login"  # the session's
NOTED_EVERY = 300  # seconds: a session's last use is written no more often
FLAGS = ("is_staff", "is_superuser", "is_active")


class State(StrEnum):
    """What a session is worth."""

    GOOD = "good"
    OVER = "over"
    NEEDS_CODE = "needs code"  # the password was right
    NEEDS_FACTOR = "needs factor"  # the same, but there is no second factor, and there has to be one


def begin(session: Any, user: Any, *, passed: bool = False) -> None:
    """Note a log-in; `passed` with the second factor."""
    now = time.time()
    epoch = StaffLogin.objects.filter(user_id=user.pk).values_list("epoch", flat=True).first() or 0
    session[KEY] = {"at": now, "seen": now, "epoch": epoch, "passed": passed}


def judge(session: Any, user: Any) -> State:
    """Return what a session is worth now, and note that it was used."""
    kept, now = session.get(KEY), time.time()
    idle, longest = conf.session_seconds()
    if not kept or kept["epoch"] != _epoch(user):
        return State.OVER
    if now - kept["seen"] > idle or now - kept["at"] > longest:
        return State.OVER
    if now - kept["seen"] > min(NOTED_EVERY, idle / 10):
        session[KEY] = {**kept, "seen": now}
    if kept["passed"] or not user.is_staff:
        return State.GOOD
    if has_factor(user):
        return State.NEEDS_CODE
    return State.NEEDS_FACTOR if conf.requires_second_factor() else State.GOOD


def has_factor(user: Any) -> bool:
    """Return whether a user has a second factor."""
    row = getattr(user, "staff_login", None)
    return row is not None and row.has_factor


def end_all(users: Iterable[int]) -> None:
    """End every session of these users."""
    for number in users:
        row, is_new = StaffLogin.objects.get_or_create(user_id=number, defaults={"epoch": 1})
        if not is_new:
            StaffLogin.objects.filter(pk=row.pk).update(epoch=F("epoch") + 1)


def clear() -> str:
    """Delete sessions and failed log-ins whose time is over; return words for the schedule's last result."""
    call_command("clearsessions")
    failed, _by_model = AccessAttempt.objects.filter(attempt_time__lt=timezone.now() - conf.login_lock()).delete()
    return f"Sessions whose time was over were deleted, and {failed} failed log-ins"


def with_lock(attempts: QuerySet[AccessAttempt]) -> QuerySet[AccessAttempt]:
    """Return the failed log-ins, each with `is_locked`: whether that name may not try from that address now."""
    together = AccessAttempt.objects.filter(
        attempt_time__gte=timezone.now() - conf.login_lock(),
        username=OuterRef("username"),
        ip_address=OuterRef("ip_address"),
    )
    total = together.order_by().values("username", "ip_address").annotate(total=Sum("failures_since_start"))
    locked = Exists(total.filter(total__gte=conf.login_failures()))
    found: QuerySet[AccessAttempt] = attempts.annotate(is_locked=locked)
    return found


def unlock(names: Iterable[tuple[str | None, str | None]]) -> int:
    """Forget the failures of user names at addresses; return of how many."""
    together = set(names)
    for name, address in together:
        AccessAttempt.objects.filter(username=name, ip_address=address).delete()
    return len(together)


def connect_signals() -> None:
    """Notice log-ins and changed roles, whoever changes them: the admin, a command, or another app."""
    users = get_user_model()
    user_logged_in.connect(_logged_in, dispatch_uid="calendly_connector.logged_in")
    pre_save.connect(_flags_changed, sender=users, dispatch_uid="calendly_connector.flags")
    for name in ("groups", "user_permissions"):
        through = users._meta.get_field(name).remote_field.through  # type: ignore[union-attr]
        m2m_changed.connect(_rights_changed, sender=through, dispatch_uid=f"calendly_connector.{name}")


def _epoch(user: Any) -> int:
    row = getattr(user, "staff_login", None)
    return row.epoch if row is not None else 0


def _logged_in(sender: object, request: Any, user: Any, **signal: Any) -> None:
    begin(request.session, user)


def _flags_changed(sender: Any, instance: Any, update_fields: Iterable[str] | None = None, **signal: Any) -> None:
    is_about_them = update_fields is None or {*FLAGS} & {*update_fields}
    if instance.pk is None or signal.get("raw") or not is_about_them:
        return
    before = sender._default_manager.filter(pk=instance.pk).values_list(*FLAGS).first()
    if before is not None and before != tuple(getattr(instance, flag) for flag in FLAGS):
        end_all([instance.pk])


def _rights_changed(instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **signal: Any) -> None:
    """End the sessions of whoever got or lost a role. The other way round, `instance` is the group."""
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if not reverse:
        end_all([instance.pk])
    elif pk_set is not None:
        end_all(pk_set)
    else:
        end_all(instance.user_set.values_list("pk", flat=True))
