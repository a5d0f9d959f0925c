"""Download known models: addresses, one HTTP response, one file, one model."""
