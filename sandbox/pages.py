"""The common look of the sandbox's pages: one small style sheet, light and dark, no script."""

from collections.abc import Iterable
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --dim: #667380; --line: #dde3e8; --paper: #ffffff; --wash: #f5f7f9;
  --accent: #0b6b53; --bad: #b3261e; --good: #0b6b53; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --dim: #97a3af; --line: #333d47; --paper: #171c21;
  --wash: #1f262d; --accent: #5fd0ae; --bad: #ff8a80; --good: #5fd0ae; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--wash); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header { background: var(--paper); border-bottom: 1px solid var(--line); padding: .8rem 1.5rem; display: flex;
  gap: 1.5rem; align-items: baseline; flex-wrap: wrap; }
header h1 { font-size: 1.15rem; margin: 0; }
a { color: var(--accent); }
main { max-width: 80rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .6rem; margin: 1rem 0;
  padding: 1rem 1.2rem; overflow-x: auto; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th { text-align: left; color: var(--dim); font-weight: 500; }
th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
.dim { color: var(--dim); } .bad { color: var(--bad); } .good { color: var(--good); }
.tag { display: inline-block; border: 1px solid var(--line); border-radius: 1rem; padding: 0 .55rem;
  margin: 0 .2rem .2rem 0; font-size: .8rem; white-space: nowrap; }
button, input, select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: .4rem; padding: .25rem .7rem; }
button { cursor: pointer; } button:hover { border-color: var(--accent); }
form { display: inline; }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: 0 .8rem; } dd { margin: 0; }
dt { color: var(--dim); }
"""


def page(title: str, body: str) -> str:
    """Return a whole page; `body` is HTML, escaped by whoever made it."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<header><h1>{escape(title)}</h1><nav><a href="/sandbox">Sandbox</a> · '
        '<a href="/sandbox/calendly">Calendly desk</a> · <a href="/sandbox/brevo">Brevo window</a></nav></header>'
        f"<main>{body}</main></body></html>"
    )


def section(title: str, body: str) -> str:
    """Return a titled box."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]], empty: str) -> str:
    """Return a table of cells that are HTML already, or a line of text when there are no rows."""
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    if not lines:
        return f'<p class="dim">{escape(empty)}</p>'
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
