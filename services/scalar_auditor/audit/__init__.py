"""Audit sets, who works on them, what is in them, and groups of people."""
