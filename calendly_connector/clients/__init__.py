"""HTTP to the two services. No Django, no settings: usable from a plain script."""

VERSION = "0.1.0"
USER_AGENT = f"calendly-connector/{VERSION} (self-hosted; requests)"
"""Calendly's edge refuses calls without a real one (calendly-api.md §1.1)."""
