"""The project as a web server runs it, but with nobody told to come again later: `gunicorn tests.web.unhurried`."""

from importlib import import_module
from typing import Any

from project.wsgi import application

__all__ = ["application"]

OFTEN = 10**9
auth: Any = import_module("calendly_connector.web.api.auth")  # only now: the line above has set Django up
visitors: Any = import_module("calendly_connector.services.visitors")
auth.PER_TOKEN = auth.REFUSED_PER_ADDRESS = OFTEN
visitors.READS_PER_MINUTE = visitors.READS_OF_A_TYPE_PER_MINUTE = OFTEN
visitors.BOOKINGS = visitors.BOOKINGS_OF_A_TYPE_PER_MINUTE = OFTEN
