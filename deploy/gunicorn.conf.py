"""How gunicorn serves this project, by `make run` and in production: `gunicorn -c deploy/gunicorn.conf.py`.

`kill -HUP` of its process id reloads code and settings without losing a request; TERM lets running requests finish.
What is worth choosing per machine comes from the environment (README, "Settings").
"""

import os


def _above_zero(name, value):
    """Return a whole number; end with a sentence for anything else."""
    if not (value.isascii() and value.isdigit() and int(value)):
        raise SystemExit(f"{name} is {value!r}: write a whole number from 1 on.")
    return int(value)


wsgi_app = "project.wsgi:application"
bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")  # loopback: in front of it belongs what speaks HTTPS
workers = _above_zero("WEB_WORKERS", os.environ.get("WEB_WORKERS", "1"))
threads = _above_zero("WEB_THREADS", os.environ.get("WEB_THREADS", "8"))
_above_zero("WEB_READ_SECONDS", os.environ.get("WEB_READ_SECONDS", "20"))  # read by the worker class
worker_class = "project.web_worker.PatientWorker"
backlog = 512

# A line or header beyond these is answered 400 or 431; a webhook's body beyond 1 MiB by Django, with 413.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190

timeout = 60  # seconds without a sign of life from a whole worker; a slow request alone doesn't count
graceful_timeout = 25  # seconds for requests that run while it stops or reloads; systemd and Docker are told more
keepalive = 5  # seconds; longer than most proxies' pause between two requests
max_requests = 0  # memory stays flat (docs/benchmarks.md): nothing is gained by restarting

preload_app = False  # or a reload would go on with the old code
control_socket_disable = True
accesslog = None  # the proxy writes one, and paths hold addresses of people
