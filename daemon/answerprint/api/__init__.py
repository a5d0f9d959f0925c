"""What the daemon and its clients share: requests, jobs, and the interpretation of a clip."""
