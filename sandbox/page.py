"""The frame and style that the sandbox's own web pages share. Content arrives escaped."""

from html import escape

from sandbox.http import Response

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2563eb; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
header { display: flex; gap: 1.5rem; align-items: baseline; border-bottom: 1px solid var(--line); }
header h1 { font-size: 1.3rem; margin: .4rem 0; flex: 1; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
.wide { overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { font-weight: 600; font-size: .85rem; opacity: .75; }
form { margin: 0; }
form.inline { display: inline-flex; gap: .3rem; flex-wrap: wrap; margin: .1rem .4rem .1rem 0; }
fieldset { border: 1px solid var(--line); border-radius: .5rem; background: var(--soft); padding: .8rem 1rem; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: .6rem 1rem; }
.fields label { display: grid; gap: .15rem; font-size: .9rem; }
input, select, button, textarea { font: inherit; padding: .25rem .5rem; border: 1px solid var(--line); border-radius: .35rem; }
button { cursor: pointer; background: var(--soft); }
button.main { background: var(--accent); color: #fff; border-color: transparent; }
.badge { font-size: .8rem; padding: .1rem .5rem; border-radius: 1rem; background: var(--soft); border: 1px solid var(--line); }
.good { border-color: #16a34a; } .bad { border-color: #dc2626; }
.small { font-size: .85rem; opacity: .8; } .notice { padding: .5rem .8rem; border-left: 3px solid var(--accent); }
code { font-size: .85em; overflow-wrap: anywhere; }
"""
LINKS = (("/sandbox", "Sandbox"), ("/sandbox/calendly", "Calendly desk"), ("/sandbox/brevo", "Brevo window"))


def html_page(title: str, body: str, status: int = 200) -> Response:
    """Return a whole page around content that is already escaped."""
    links = " ".join(f'<a href="{address}">{label}</a>' for address, label in LINKS)
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · sandbox</title><style>{STYLE}</style></head>"
        f"<body><header><h1>{escape(title)}</h1><nav>{links}</nav></header>{body}</body></html>"
    )
    return Response(status=status, body=text)


def table(headings: list[str], rows: list[list[str]], empty: str = "Nothing yet.") -> str:
    """Return a table of cells that are already escaped."""
    if not rows:
        return f'<p class="small">{escape(empty)}</p>'
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
