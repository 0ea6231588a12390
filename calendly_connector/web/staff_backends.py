"""Who may log in: nobody who is locked out, and whoever is told so is told nothing more than "wrong"."""

import logging
from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.exceptions import AxesBackendPermissionDenied
from axes.signals import user_locked_out
from django.contrib.auth import get_user_model, user_login_failed
from django.contrib.auth.backends import ModelBackend
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase

from calendly_connector import conf
from calendly_connector.services import visitors
from calendly_connector.web import visitor

logger = logging.getLogger(__name__)


class Guard(AxesStandaloneBackend):  # type: ignore[misc]
    """Refuses whoever failed too often: with one user name from one address, or with many names from it."""

    def authenticate(self, request: HttpRequest, *args: Any, **credentials: Any) -> None:
        """Raise as Axes does for somebody locked out, but take as long as for a wrong password: compute a hash."""
        try:
            super().authenticate(request, *args, **credentials)
            if not visitors.may_log_in(visitor.address_of(request)):
                raise AxesBackendPermissionDenied("Too many wrong passwords from this address")
        except AxesBackendPermissionDenied:
            get_user_model()().set_password(credentials.get("password"))
            raise


class StaffBackend(ModelBackend):
    """Django's own, which reads the user with their `staff_login` at once: every page asks for it."""

    def get_user(self, user_id: Any) -> Any:
        """Return an active user, or None."""
        user = get_user_model()._default_manager.select_related("staff_login").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


def same_page(request: HttpRequest, response: HttpResponseBase, credentials: object) -> HttpResponseBase:
    """Answer somebody who is locked out like anybody who mistyped (AXES_LOCKOUT_CALLABLE)."""
    return response


@receiver(user_login_failed, dispatch_uid="calendly_connector.wrong_password")
def count(sender: object, request: HttpRequest | None = None, **signal: Any) -> None:
    """Count a wrong password for its address; one that no visitor gave, such as a command's, for none."""
    if request is not None:
        visitors.count_wrong_password(visitor.address_of(request))


@receiver(user_locked_out, dispatch_uid="calendly_connector.locked_out")
def tell(sender: object, username: str | None, ip_address: str | None, **signal: Any) -> None:
    """Write a line for whoever looks after this installation. A name that nobody has may be a mistyped password."""
    is_known = get_user_model()._default_manager.filter(username=username).exists()
    who = f"of {username}" if is_known else "of a user who doesn't exist"
    logger.warning(
        "The log-in %s from %s is locked: %d wrong passwords. It opens after %s.",
        who, ip_address or "an unknown address", conf.login_failures(), conf.login_lock(),
    )  # fmt: skip
