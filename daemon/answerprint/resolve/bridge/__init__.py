"""Resolve's API over a pipe."""
