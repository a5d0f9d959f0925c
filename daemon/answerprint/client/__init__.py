"""The client of the daemon: finding it, starting it, calling it."""
