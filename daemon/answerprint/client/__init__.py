"""The client of the daemon: find it, start it, call it."""
