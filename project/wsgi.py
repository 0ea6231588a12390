"""The entry point of the web server."""

import atexit
import os

from django.core.wsgi import get_wsgi_application

from calendly_connector.services import tally
from project.plainly import plainly

BOOT_ERROR = 3  # of gunicorn: it gives up, instead of starting the same again and again

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
with plainly(status=BOOT_ERROR):
    application = get_wsgi_application()
atexit.register(tally.write)  # what this process has counted since it last wrote it
