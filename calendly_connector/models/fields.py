"""A text column that is encrypted at rest, and decrypted when somebody asks for it.

A wrong key raises then; it never returns, or saves, what it can't read.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models.functions import Cast
from django.db.models.query_utils import DeferredAttribute

from calendly_connector import conf, masking

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField


class SecretUnreadableError(Exception):
    """The stored secret fits none of FIELD_ENCRYPTION_KEYS. The text names the field, never the content."""


class Secret(str):
    """A secret as text, whose `repr` doesn't tell it: it may end up in a traceback or a log line."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<secret, {hint(self)}>"


def hint(value: str) -> str:
    """Return what staff may see of a secret: whether it is set, and its last characters when it is long enough."""
    if not value:
        return "not set"
    return f"set, ends in …{value[-4:]}" if len(value) >= 16 else "set"


def keyring() -> MultiFernet:
    """Return the keys: the first encrypts, all decrypt. Raises ImproperlyConfigured without a good one."""
    keys = conf.encryption_keys()
    if not keys:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS is empty: secrets can't be stored. `make run` writes one.")
    return _keyring(tuple(keys))


@lru_cache(maxsize=4)
def _keyring(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS holds something that is no Fernet key.") from None


def ciphertext(field: str) -> Cast:
    """Return an expression for a secret as it is stored, to compare and set it: the same secret, another ciphertext."""
    return Cast(field, models.TextField())


class Ciphertext(str):
    """A secret as it came from the database. Nobody has asked for it yet."""

    __slots__ = ()


class SecretAttribute(DeferredAttribute):
    """Decrypts when somebody asks: a row is read with its secrets by many who need none, and a key may be lost."""

    field: "EncryptedTextField"

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        """Return the secret; raise SecretUnreadableError when no key fits."""
        if instance is None:
            return self
        name = self.field.attname
        found = instance.__dict__[name] if name in instance.__dict__ else super().__get__(instance, cls)
        if isinstance(found, Ciphertext):
            found = instance.__dict__[name] = self.field.decrypt(found)
        return found

    def __set__(self, instance: Any, value: Any) -> None:
        """Keep a value as it is. With this, Python asks `__get__` about values that are there, too."""
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(TextField):
    """Text encrypted with Fernet and bound to its model and field: copied to another column, it can't be read."""

    descriptor_class = SecretAttribute

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        if not value:
            return ""
        if isinstance(value, Ciphertext):  # read by `values` and written: never encrypted twice
            value = self.decrypt(value)
        masking.remember(str(value))
        return keyring().encrypt(f"{self._context}\n{value}".encode()).decode()

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return what `SecretAttribute` decrypts when it is asked for."""
        return Ciphertext(value) if value else Secret("")

    def decrypt(self, stored: str) -> Secret:
        """Return the secret behind a stored value; raise SecretUnreadableError."""
        try:
            context, _, text = keyring().decrypt(stored.encode()).decode().partition("\n")
        except InvalidToken:
            raise SecretUnreadableError(
                f"{self._context} can't be decrypted: put the key that encrypted it back into FIELD_ENCRYPTION_KEYS."
            ) from None
        if context != self._context:
            raise SecretUnreadableError(f"{self._context} holds the secret of another field.")
        masking.remember(text)
        return Secret(text)

    def value_to_string(self, obj: models.Model) -> str:
        """Keep secrets out of dumpdata."""
        return ""

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse to search by a secret: equal secrets have different ciphertexts."""
        if lookup_name != "isnull":
            raise FieldError(f"{self._context} is encrypted and can't be searched.")
        return super().get_lookup(lookup_name)

    @property
    def _context(self) -> str:
        return f"{self.model._meta.label}.{self.name}"
