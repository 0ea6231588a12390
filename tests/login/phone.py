"""What a member of staff has in hand: a browser, a password, and a phone that makes codes by RFC 6238."""

import base64
import hashlib
import hmac
import re
import struct
import time
from typing import Any
from urllib.parse import quote

import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from calendly_connector.models import StaffLogin
from calendly_connector.services import second_factor

PASSWORD = "a password"
LOGIN, INDEX = reverse("admin:login"), reverse("admin:index")
CODE, FACTOR = reverse("login_code"), reverse("second_factor")


def code_at(secret: str, steps: int = 0) -> str:
    """Return the code of a secret, now or some steps of 30 seconds away. The phone's own arithmetic, not ours."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    at = digest[19] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def make_staff(name: str = "anna", *, is_superuser: bool = True) -> User:
    """Return a member of staff."""
    make = User.objects.create_superuser if is_superuser else User.objects.create_user
    return make(name, password=PASSWORD, is_staff=True)


def set_up(user: User) -> tuple[str, list[str]]:
    """Give a user a second factor, and return its secret and recovery codes. The first code was of the last step."""
    secret = str(second_factor.start(user).secret)
    with no_time_passes():
        codes = second_factor.confirm(user, code_at(secret, -1))
    return secret, codes


def no_time_passes() -> time_machine.travel:
    """Return a context in which a code stays as many steps away as it was when it was made."""
    return time_machine.travel(time.time(), tick=False)


def show_password(browser: Client, name: str = "anna", password: str = PASSWORD, **headers: Any) -> str:
    """Log in by password, and return the address of the page that follows."""
    answer = browser.post(
        f"{LOGIN}?next={quote(INDEX)}", {"username": name, "password": password}, follow=True, **headers
    )
    return str(answer.request["PATH_INFO"])


def enter(browser: Client, code: str, **values: str) -> int:
    """Enter a code after the password, and return the status: 302 lets in."""
    return browser.post(CODE, {"code": code, **values}).status_code


def is_in(browser: Client) -> bool:
    """Return whether the overview opens."""
    return browser.get(INDEX).status_code == 200


def secret_of(user: User) -> str:
    """Return the secret that is in the database."""
    return str(StaffLogin.objects.get(user=user).secret)


def without_token(text: str) -> str:
    """Return a page without what differs every time: the CSRF token."""
    return re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", text)
