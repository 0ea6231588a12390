"""The doctor looks at the settings: what makes an installation unsafe, unreachable or mute."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.core.checks import CheckMessage
from django.core.checks.security.base import check_secret_key
from django.http.request import validate_host
from django.utils.translation import gettext as _

from calendly_connector import checks, conf
from calendly_connector.core.diagnosis import Finding, Symptom, bad, good, warn
from calendly_connector.services import notices
from calendly_connector.services.brevo_listen import LOOPBACK
from calendly_connector.services.doctor_check import Check, Visit

MOST_PROXIES = 5
HERE = Symptom.INSTALLATION


def is_practice() -> bool:
    """Return whether both services are stand-ins on this machine: then nothing has to be reached from outside."""
    return all(urlsplit(url).hostname in LOOPBACK for url in (conf.calendly_api_url(), conf.brevo_api_url()))


def debug(visit: Visit) -> Iterator[Finding]:
    """DEBUG shows code and settings to whoever meets an error."""
    if conf.is_debugging():
        yield bad(
            _("DEBUG is on: error pages show code."), _("Set DEBUG=false in .env and restart web and worker."), HERE
        )
    else:
        yield good(_("DEBUG is off."))


def secret_key(visit: Visit) -> Iterator[Finding]:
    """A guessable SECRET_KEY lets anybody make a session. Django's own check judges it."""
    if check_secret_key(None):
        yield bad(
            _("SECRET_KEY is short or easily guessed: whoever has it can log in as anybody."),
            _("Put a new one, such as `openssl rand -base64 48` prints, into .env and restart. All log in again."),
            HERE,
        )
    else:
        yield good(_("SECRET_KEY is long and random."))


def stored_secrets(visit: Visit) -> Iterator[Finding]:
    """Every stored token and key has to be readable with FIELD_ENCRYPTION_KEYS."""
    found: list[CheckMessage] = [*checks.encryption_keys(), *checks.stored_secrets(databases=["default"])]
    for each in found:
        make = bad if each.is_serious() else warn
        yield make(str(each.msg), str(each.hint or ""), HERE)
    if not found:
        yield good(_("FIELD_ENCRYPTION_KEYS read every stored secret."))


def public_url(visit: Visit) -> Iterator[Finding]:
    """Calendly posts to https only."""
    parts = urlsplit(conf.public_url())
    if parts.scheme == "https":
        yield good(_("PUBLIC_URL is https."))
    elif parts.hostname in LOOPBACK and is_practice():
        yield good(_("PUBLIC_URL is this machine, which is right for the sandbox."))
    else:
        yield bad(
            _("PUBLIC_URL isn't https, and Calendly posts to nothing else."),
            _("Set PUBLIC_URL to the https:// address of this installation, restart, then run calendly_subscribe."),
            Symptom.NOTHING_ARRIVES,
        )


def allowed_hosts(visit: Visit) -> Iterator[Finding]:
    """The host of PUBLIC_URL has to be let in, and not every other."""
    hosts, ours = conf.allowed_hosts(), urlsplit(conf.public_url()).hostname or ""
    if "*" in hosts:
        words = _("ALLOWED_HOSTS lets every host name in: links in mails can be forged.")
        yield warn(words, _("Name your own hosts in ALLOWED_HOSTS, separated by commas, and restart."), HERE)
    elif not validate_host(f"[{ours}]" if ":" in ours else ours, hosts):
        yield bad(
            _("ALLOWED_HOSTS lacks the host of PUBLIC_URL: whatever arrives there is answered with 400."),
            _("Add %(host)s to ALLOWED_HOSTS, or leave the variable out, and restart.") % {"host": ours},
            Symptom.NOTHING_ARRIVES,
        )
    else:
        yield good(_("ALLOWED_HOSTS has the host of PUBLIC_URL."))


def proxies(visit: Visit) -> Iterator[Finding]:
    """TRUSTED_PROXIES has to fit what stands in front: we speak no https ourselves, so with https somebody does."""
    count, is_https = conf.trusted_proxies(), urlsplit(conf.public_url()).scheme == "https"
    remedy = _("Set TRUSTED_PROXIES to the number of proxies in front, usually 1, and restart.")
    if is_https and not count:
        yield warn(
            _("With https a proxy stands in front, but TRUSTED_PROXIES is 0: all visitors count as one address."),
            remedy,
            HERE,
        )
    elif count > MOST_PROXIES or (count and not is_https):
        yield warn(
            _("TRUSTED_PROXIES is %(count)s, which can't be right: visitors may choose their address.")
            % {"count": count},
            remedy if is_https else _("Without https there is no proxy: set TRUSTED_PROXIES=0 and restart."),
            HERE,
        )
    else:
        yield good(_("TRUSTED_PROXIES fits PUBLIC_URL."))


def told(visit: Visit) -> Iterator[Finding]:
    """Somebody has to hear of it when something breaks."""
    is_written_to = bool(notices.recipients())
    if conf.notice_webhook_url() or (is_written_to and conf.sends_mail()):
        yield good(_("Somebody is told when a connection breaks."))
    elif is_practice():
        yield good(_("Nobody is told when a connection breaks, which is right for the sandbox."))
    elif is_written_to:
        yield warn(
            _("Nobody is told when a connection breaks: without EMAIL_URL, e-mails only go into the log."),
            _("Set EMAIL_URL to your e-mail server, or NOTICE_WEBHOOK_URL, and restart."),
            HERE,
        )
    else:
        yield warn(
            _("Nobody is told when a connection breaks."),
            _("Set EMAIL_URL and NOTICE_EMAILS, or NOTICE_WEBHOOK_URL, and restart."),
            HERE,
        )


CHECKS = (
    Check(name="debug", run=debug),
    Check(name="secret_key", run=secret_key),
    Check(name="stored_secrets", run=stored_secrets),
    Check(name="public_url", run=public_url),
    Check(name="allowed_hosts", run=allowed_hosts),
    Check(name="proxies", run=proxies),
    Check(name="told", run=told),
)
