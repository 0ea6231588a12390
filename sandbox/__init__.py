"""Stand-ins for Calendly and Brevo on loopback, built from the two API references alone.

Shares no code with the app, so one misreading of a provider cannot hide in both. Standard library only.
"""
