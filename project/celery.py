"""Celery in place of `calendly_worker`, when TASK_QUEUE_URL names a broker: `celery -A project worker` and `… beat`.

A message carries no work, only "there is some": whoever gets it claims due rows of the job table, as every worker
does (`project/stints.py`). So a message may be lost, doubled or late; the beat's tick finds what nobody came for.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from django.conf import settings

from project.plainly import plainly

WORK, TICK = "calendly_connector.work", "calendly_connector.tick"
TICK_SECONDS = 1.0
TICK_EXPIRES = 300.0  # seconds by the worker's own clock, which may be off: it would else throw every tick away

with plainly():
    app = Celery("calendly_connector", broker=settings.TASK_QUEUE_URL or None)
app.conf.update(
    imports=["project.stints"],  # once Django is set up
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,  # a thread that is busy hoards no messages
    worker_hijack_root_logger=False,  # our own log lines, masked as everywhere
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_timeout": 5.0, "socket_connect_timeout": 2.0},
    beat_schedule={"tick": {"task": TICK, "schedule": TICK_SECONDS, "options": {"expires": TICK_EXPIRES}}},
)
