"""`{{ words|said }}`: what was stored in English, in the reader's language."""

from django import template
from django.utils.safestring import SafeString

from calendly_connector.admin.said import said as in_readers_language

register = template.Library()


@register.filter
def said(words: object) -> str:
    """Return stored words in the active language; marked-up text stays as it is."""
    return words if isinstance(words, SafeString) else in_readers_language(str(words))
