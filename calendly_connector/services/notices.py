"""Tells staff of a change: something broke, something recovered. Never the same twice, whoever notices it.

A notice is a row; a job sends what is due about it, so that a slow e-mail server holds nobody up and a dead one loses
nothing.
"""

import logging
import smtplib
from datetime import datetime

from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone

from calendly_connector import conf
from calendly_connector.core import reminders
from calendly_connector.models import BrevoAccount, Connection, Notice
from calendly_connector.services import queue, webhook_out

logger = logging.getLogger(__name__)

TELL = "tell"
Subject = Connection | BrevoAccount


def key_of(subject: Subject, what: str) -> str:
    """Return the key of a trouble of a connection or an account: `reconnect`, `subscription`, `silence`, `paused`…"""
    kind = "connection" if isinstance(subject, Connection) else "account"
    return f"{kind}:{subject.pk}:{what}"


def open_notice(key: str, title: str, message: str) -> None:
    """Note a trouble and tell staff; while the same one is open, nothing is sent and its newest words are kept.

    Takes part in the caller's transaction.
    """
    now = timezone.now()
    title = " ".join(title.split())[:200]
    fresh = {"title": title, "message": message, "is_open": True, "opened_at": now}
    fresh |= {"closed_at": None, "last_sent_at": None, "times_sent": 0}
    notice, is_new = Notice.objects.get_or_create(key=key, defaults=fresh)
    if not is_new and Notice.objects.filter(pk=notice.pk, is_open=True).update(message=message):
        return
    if is_new or Notice.objects.filter(pk=notice.pk, is_open=False).update(**fresh):
        logger.warning("%s: %s", title, message)
        queue.enqueue(TELL, notice.pk)


def close_notice(key: str, message: str) -> bool:
    """Note that a trouble is over and tell staff, if they were told of it; return whether it was open."""
    changed = Notice.objects.filter(key=key, is_open=True).update(
        is_open=False, closed_at=timezone.now(), message=message
    )
    for notice in Notice.objects.filter(key=key) if changed else []:
        logger.info("Over: %s: %s", notice.title, message)
        queue.enqueue(TELL, notice.pk)
    return bool(changed)


def open_since(key: str) -> datetime | None:
    """Return since when a trouble lasts; None when there is none."""
    return Notice.objects.filter(key=key, is_open=True).values_list("opened_at", flat=True).first()


def remind() -> str:
    """Follow the state of connections and accounts, and ask for every message that is due; return words for the
    schedule's last result."""
    for connection in Connection.objects.all():
        follow_connection(connection)
    for account in BrevoAccount.objects.all():
        follow_account(account)
    due = [notice for notice in Notice.objects.order_by("pk") if _is_due(notice)]
    for notice in due:
        queue.enqueue(TELL, notice.pk)
    return f"{Notice.objects.filter(is_open=True).count()} open, {len(due)} to be told"


def follow_connection(connection: Connection) -> None:
    """Open or close the notice that a connection has to be connected again."""
    key = key_of(connection, "reconnect")
    if connection.state == Connection.State.RECONNECT:
        open_notice(key, f"{connection.name}: connect Calendly again", connection.state_reason)
    elif connection.state == Connection.State.CONNECTED:
        close_notice(key, "Calendly is connected again. What was missed meanwhile is read now.")
    else:
        close_notice(key, "The connection to Calendly was taken away on purpose.")


def follow_account(account: BrevoAccount) -> None:
    """Open or close the notice that writing to a Brevo account is paused."""
    key = key_of(account, "paused")
    if account.is_paused:
        open_notice(key, f"{account.name}: writing to Brevo is paused", account.pause_reason)
    else:
        close_notice(key, "Writing to Brevo goes on; what waited is written now.")


def tell(notice_id: int) -> None:
    """Send what is due about a notice, by e-mail and to the chat tool; raise queue.Later when the e-mail can't leave.

    The chat tool is told once, and a failure of it is only logged.
    """
    notice = Notice.objects.filter(pk=notice_id).first()
    if notice is None or not _is_due(notice):
        return
    title = notice.title if notice.is_open else f"Recovered: {notice.title}"
    try:
        _mail(title, notice.message)
    except (OSError, smtplib.SMTPException) as error:
        raise queue.Later(f"The notice can't be sent by e-mail: {type(error).__name__}.") from error
    Notice.objects.filter(pk=notice.pk).update(last_sent_at=timezone.now(), times_sent=notice.times_sent + 1)
    webhook_out.post(f"{title}\n{notice.message}")


def recipients() -> list[str]:
    """Return whom to write to: NOTICE_EMAILS, or every active superuser that has an address."""
    named = conf.notice_emails()
    if named:
        return named
    users = get_user_model()._default_manager.filter(is_superuser=True, is_active=True).order_by("pk")
    return [email for email in users.values_list("email", flat=True) if email]


def _mail(title: str, message: str) -> None:
    to = recipients()
    if not to:
        logger.warning("Nobody is told by e-mail: set NOTICE_EMAILS, or give a superuser an address.")
        return
    desk = f"{conf.public_url()}{reverse('admin:index')}"
    footer = f"Look at it in the admin: {desk}"
    EmailMessage(subject=f"[Calendly → Brevo] {title}", body=f"{message}\n\n{footer}\n", to=to).send()


def _is_due(notice: Notice) -> bool:
    return reminders.is_due(
        notice.key,
        is_open=notice.is_open,
        opened_at=notice.opened_at,
        closed_at=notice.closed_at,
        last_sent_at=notice.last_sent_at,
        times_sent=notice.times_sent,
        now=timezone.now(),
    )
