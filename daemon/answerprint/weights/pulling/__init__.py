"""Known models are fetched: addresses, one answer, one file, one model."""
