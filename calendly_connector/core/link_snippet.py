"""The button that staff paste into Brevo's e-mail editor: each contact's own link, or a common address (pure)."""

from html import escape

BUTTON = (
    "<a href=\"{{{{ contact.{attribute}|default:'{fallback}' }}}}\" "
    'style="display:inline-block;padding:12px 24px;border-radius:6px;background:#0b6bcb;color:#ffffff;'
    'font-weight:bold;text-decoration:none">{text}</a>'
)


def button(attribute: str, *, fallback: str, text: str) -> str:
    """Return the button's HTML in Brevo's template language. `fallback` serves contacts without a link.

    https://help.brevo.com/hc/en-us/articles/4405381108626 (the filter `default`)
    """
    address = escape(fallback, quote=True).replace("&#x27;", "%27").replace("{", "%7B").replace("}", "%7D")
    return BUTTON.format(attribute=attribute, fallback=address, text=escape(text))
