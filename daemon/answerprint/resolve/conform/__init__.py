"""From what is on a timeline to frames of files."""
