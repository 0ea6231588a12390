"""The entry point of the web server."""

import atexit
import os

from django.core.wsgi import get_wsgi_application

from calendly_connector.services import tally

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = get_wsgi_application()
atexit.register(tally.write)  # what this process has counted since it last wrote it
