"""A real Chromium for tests marked `browser`: Debian's own, headless, and unable to leave this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",  # root can't have one
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@contextmanager
def open_page(*, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """Yield a page of a browser that nobody used before.

    Playwright keeps an event loop in this thread, which Django takes for asynchronous code: hence its variable.
    """
    with mock.patch.dict(os.environ, {"DJANGO_ALLOW_ASYNC_UNSAFE": "true"}), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser.new_page(viewport={"width": width, "height": height})
        finally:
            browser.close()
