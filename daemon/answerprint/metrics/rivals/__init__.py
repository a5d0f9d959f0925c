"""Other restoration methods for comparison: plain enlargement, FFmpeg's filters, external programs."""
