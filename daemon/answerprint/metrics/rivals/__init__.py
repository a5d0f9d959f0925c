"""Ways to restore a clip that are set beside the method: plain enlargements, FFmpeg's filters, other programs."""
