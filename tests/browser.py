"""A real Chromium for tests marked `browser`: Debian's own, headless, and unable to leave this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

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
def open_page(*, width: int = 1280, height: int = 900, **options: Any) -> Iterator[Page]:
    """Yield a page of a browser that nobody used before; `options` are what Playwright lets a browser differ in.

    Playwright keeps an event loop in this thread, which Django takes for asynchronous code: hence its variable.
    """
    with mock.patch.dict(os.environ, {"DJANGO_ALLOW_ASYNC_UNSAFE": "true"}), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser.new_page(viewport={"width": width, "height": height}, **options)
        finally:
            browser.close()


def log_in(page: Page, address: str, name: str = "anna", password: str = "a password") -> None:
    """Open a page of the admin, log in where it asks for it, and wait until the page is there."""
    page.goto(address)
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(password)
    page.locator("#login-form [type=submit]").click()
    expect(page.locator("#logout-form")).to_be_visible()


def watch_complaints(page: Page) -> list[str]:
    """Return the list that will hold what the browser complains of: our policy, missing files, failing scripts."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):  # asked of every host
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    return complaints
