"""Known models whose weights came with a Python package, in another form: found there, and made ready once."""
