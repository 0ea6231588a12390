"""Bookings while everything around them breaks: `make chaos`, and in short among the tests."""
