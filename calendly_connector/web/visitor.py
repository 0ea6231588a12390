"""Who visits: the network address of whoever asks, as far as it can be believed."""

from ipaddress import ip_address

from django.http import HttpRequest

from calendly_connector import conf


def address_of(request: HttpRequest) -> str:
    """Return a visitor's network address: whom the outermost of our proxies heard, by TRUSTED_PROXIES.

    Each proxy appends to X-Forwarded-For; what stands before our own proxies' words could be made up by anybody.
    """
    direct = str(request.META.get("REMOTE_ADDR") or "")
    count = conf.trusted_proxies()
    if count < 1:
        return direct
    heard = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    return str(heard[-count]) if len(heard) >= count else direct


def login_address(request: HttpRequest) -> str | None:
    """Return the same for the log-in's count of failures, which is kept in a column for addresses; None for no address.

    django-axes asks for it (AXES_CLIENT_IP_CALLABLE).
    """
    try:
        return str(ip_address(address_of(request)))
    except ValueError:
        return None
