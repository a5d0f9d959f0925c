"""From timeline items to frames of files, and back: which frames an item shows, by two independent readers."""
