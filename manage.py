#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from django.core.management import execute_from_command_line

from calendly_connector.services import tally
from project.at_hand import borrow_sandbox
from project.plainly import plainly

if __name__ == "__main__":
    with plainly(sys.argv):
        if os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings") == "project.settings":
            borrow_sandbox()
        try:
            execute_from_command_line(sys.argv)
        finally:
            tally.write()  # a command calls the two services too
