"""Asks axe-core whether everybody can use a page. Its script is run by the browser's debugger: the policy stays on."""

from functools import cache
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
ANY = ("minor", "moderate", *GRAVE)
SETTLE = """for (const each of document.getAnimations())
  if (Number.isFinite(each.effect.getComputedTiming().endTime)) each.finish()"""
"""Links fade from one light's color to the other's: in between, their contrast is nobody's choice."""


@cache
def script() -> str:
    """Return axe-core's source, as the package has it."""
    found = sorted(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js"))
    return found[0].read_text(encoding="utf-8")


def violations(page: Page, *, impacts: tuple[str, ...] = GRAVE) -> list[str]:
    """Return what keeps somebody from using the open page: the rule, how grave, and where, one line each."""
    page.evaluate(script())
    page.evaluate(f"() => {{ {SETTLE} }}")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url} {rule['id']} ({rule['impact']}): {node['target']} {_advice(node)}"
        for rule in found["violations"]
        if rule["impact"] in impacts
        for node in rule["nodes"]
    ]


def _advice(node: dict[str, str]) -> str:
    return node["failureSummary"].splitlines()[-1].strip()
