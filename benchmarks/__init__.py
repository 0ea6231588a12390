"""Measures speed and size of the real processes against the sandbox: `make bench`."""
