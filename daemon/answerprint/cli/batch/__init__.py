"""Many jobs at once, from the command line or from a job file."""
