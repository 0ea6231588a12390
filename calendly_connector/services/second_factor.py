"""One-time codes by the clock (TOTP, RFC 6238), made by an app on the phone; and recovery codes for a lost phone.

The secret is encrypted like every other. A code works once, whoever tries it how often at the same moment, and six
tries may be made at once, then one every five minutes: guessing takes years.
"""

import base64
import binascii
import hashlib
import re
import secrets
import time
from typing import Any
from urllib.parse import quote, urlencode

import qrcode
from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP

from calendly_connector import masking
from calendly_connector.models import RateLimit, RecoveryCode, StaffLogin
from calendly_connector.services import allowance, staff_sessions

ISSUER = "Calendly connector"
STEP, TOLERANCE = 30, 1  # seconds of a code; steps by which the phone's clock may be wrong
TRIES, TRIES_SECONDS = 6, 1800.0
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
DIGITS = re.compile(r"\d{6}", re.ASCII)


class WrongCode(Exception):
    """The code is wrong, too old, or was used already."""


class TooManyTries(Exception):
    """Many wrong codes were tried; `seconds` until the next try."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def start(user: Any) -> StaffLogin:
    """Give a user without a second factor a new secret, which counts once a code of it was shown."""
    row, _is_new = StaffLogin.objects.get_or_create(user_id=user.pk)
    if not row.has_factor:
        row.secret, row.last_step = base64.b32encode(secrets.token_bytes(20)).decode(), 0
        row.save(update_fields=["secret", "last_step"])
    return row


def row_of(user: Any) -> StaffLogin | None:
    """Return what is known of a user's second factor, as it is now."""
    return StaffLogin.objects.filter(user_id=user.pk).first()


def confirm(user: Any, code: str) -> list[str]:
    """Take the first code of a new secret, end every session, and return the recovery codes, told nobody again.

    Raises WrongCode, TooManyTries.
    """
    _count_try(user)
    with transaction.atomic():
        row = StaffLogin.objects.select_for_update().filter(user_id=user.pk, confirmed_at=None).first()
        if row is None or not _take_code(row, code):
            raise WrongCode
        StaffLogin.objects.filter(pk=row.pk).update(confirmed_at=timezone.now())
        codes = _make_recovery_codes(row)
        staff_sessions.end_all([user.pk])
    _forget_tries(user)
    return codes


def check(user: Any, code: str) -> None:
    """Take a code, or a recovery code: it is used up. Raises WrongCode, TooManyTries."""
    _count_try(user)
    row = row_of(user)
    if row is None or not row.has_factor or not (_take_code(row, code) or _take_recovery_code(row, code)):
        raise WrongCode
    _forget_tries(user)


def renew_recovery_codes(user: Any, code: str) -> list[str]:
    """Take a code and return new recovery codes in place of the old. Raises WrongCode, TooManyTries."""
    check(user, code)
    with transaction.atomic():
        return _make_recovery_codes(StaffLogin.objects.get(user_id=user.pk))


def remove(user: Any) -> bool:
    """Take away a user's second factor and end all their sessions; return whether there was one."""
    with transaction.atomic():
        had = StaffLogin.objects.filter(user_id=user.pk).exclude(confirmed_at=None).exists()
        StaffLogin.objects.filter(user_id=user.pk).update(secret="", confirmed_at=None, last_step=0)
        RecoveryCode.objects.filter(login__user_id=user.pk).delete()
        staff_sessions.end_all([user.pk])
    _forget_tries(user)
    return had


def codes_left(row: StaffLogin) -> int:
    """Return how many recovery codes are unused."""
    return row.recovery_codes.count()


def in_groups(secret: str) -> str:
    """Return a secret as people type it: four characters at a time."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def address_for_app(name: str, secret: str) -> str:
    """Return what the QR code holds: https://github.com/google/google-authenticator/wiki/Key-Uri-Format."""
    values = {"secret": secret, "issuer": ISSUER, "algorithm": "SHA1", "digits": 6, "period": STEP}
    return f"otpauth://totp/{quote(f'{ISSUER}:{name}')}?{urlencode(values, quote_via=quote)}"


def qr_path(text: str) -> tuple[int, str]:
    """Return a QR code as an SVG path of dark squares, and how many of them are in a row. No style, no script."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    dark = [(x, y) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark]
    return len(rows), "".join(f"M{x} {y}h1v1h-1z" for x, y in dark)


def _count_try(user: Any) -> None:
    seconds = allowance.take_of(_tries_of(user), count=TRIES, seconds=TRIES_SECONDS)
    if seconds:
        raise TooManyTries(seconds)


def _forget_tries(user: Any) -> None:
    RateLimit.objects.filter(pk=_tries_of(user)).delete()


def _tries_of(user: Any) -> str:
    return f"second-factor:{user.pk}"


def _take_code(row: StaffLogin, code: str) -> bool:
    """Return whether a code is right and wasn't used; one statement, so that of two at once only one is taken."""
    digits = code.replace(" ", "")
    if not row.secret or not DIGITS.fullmatch(digits):
        return False
    clock = TOTP(_key(row.secret), step=STEP)
    clock.time = time.time()  # one moment for both questions: the step that is marked is the one that was checked
    if not clock.verify(int(digits), tolerance=TOLERANCE, min_t=row.last_step + 1):
        return False
    step = clock.t()
    return bool(StaffLogin.objects.filter(pk=row.pk, last_step__lt=step).update(last_step=step))


def _take_recovery_code(row: StaffLogin, code: str) -> bool:
    deleted, _by_model = RecoveryCode.objects.filter(login=row, digest=_digest(code)).delete()
    return deleted > 0


def _make_recovery_codes(row: StaffLogin) -> list[str]:
    row.recovery_codes.all().delete()
    codes = [_written(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    for code in codes:
        masking.remember(code)
    RecoveryCode.objects.bulk_create([RecoveryCode(login=row, digest=_digest(code)) for code in codes])
    return codes


def _written(random: bytes) -> str:
    return in_groups(base64.b32encode(random).decode().lower()).replace(" ", "-")


def _digest(code: str) -> str:
    return hashlib.sha256(re.sub(r"[\s-]", "", code).lower().encode("utf-8", "replace")).hexdigest()


def _key(secret: str) -> bytes:
    try:
        return base64.b32decode(secret)
    except binascii.Error:
        return b""
