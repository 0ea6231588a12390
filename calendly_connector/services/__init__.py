"""Doing: thin functions named after the stages of the river. One public verb or two per file."""
