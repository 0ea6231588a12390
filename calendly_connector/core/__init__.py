"""Deciding: pure functions over frozen values. Standard library only; no clock, no database, no network."""
