"""Every stored secret, whichever model holds it: encrypted anew with the newest key, and found when no key fits."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.db import models
from django.db.models import Value

from calendly_connector import conf
from calendly_connector.models.fields import EncryptedTextField, SecretUnreadableError, ciphertext, keyring

APP = "calendly_connector"


@dataclass(kw_only=True)
class Rotation:
    """How many secrets were encrypted anew, had the newest key already, changed meanwhile, or fit no key (by name)."""

    renewed: int = 0
    current: int = 0
    changed: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One secret as it lies in the database."""

    column: EncryptedTextField
    row: int
    ciphertext: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.column.model._meta.label}.{self.column.name} of row {self.row}"


def stored() -> Iterator[Stored]:
    """Yield every secret that is set."""
    for model in apps.get_app_config(APP).get_models():
        for column in model._meta.local_fields:
            if isinstance(column, EncryptedTextField):
                rows = model._default_manager.annotate(was=ciphertext(column.name)).exclude(was="").order_by("pk")
                for pk, text in rows.values_list("pk", "was"):
                    yield Stored(column=column, row=pk, ciphertext=text)


def rotate(*, is_dry_run: bool = False) -> Rotation:
    """Encrypt every secret with the newest of FIELD_ENCRYPTION_KEYS; raise ImproperlyConfigured without a good one.

    May run beside everything else: a secret that changes meanwhile is left as it is, with the newest key already.
    """
    keyring()  # raises before anything is touched
    newest, done = Fernet(conf.encryption_keys()[0]), Rotation()
    for secret in stored():
        if _fits(newest, secret.ciphertext):
            done.current += 1
            continue
        try:
            secret.column.decrypt(secret.ciphertext)
        except SecretUnreadableError:
            done.unreadable.append(str(secret))
            continue
        if is_dry_run or _replace(secret, keyring().rotate(secret.ciphertext.encode()).decode()):
            done.renewed += 1
        else:
            done.changed += 1
    return done


def unreadable() -> list[str]:
    """Return the names of the secrets that no key fits; raise ImproperlyConfigured without a good key."""
    lost = []
    for secret in stored():
        try:
            secret.column.decrypt(secret.ciphertext)
        except SecretUnreadableError:
            lost.append(str(secret))
    return lost


def _fits(key: Fernet, text: str) -> bool:
    try:
        key.decrypt(text.encode())
    except InvalidToken:
        return False
    return True


def _replace(secret: Stored, text: str) -> bool:
    """Write a ciphertext in place of the one that was read; return False when another is there by now."""
    rows = secret.column.model._default_manager.annotate(was=ciphertext(secret.column.name))
    new = Value(text, output_field=models.TextField())  # as it is: the field itself would encrypt it once more
    return bool(rows.filter(pk=secret.row, was=secret.ciphertext).update(**{secret.column.name: new}))
