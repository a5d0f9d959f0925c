"""From clips that were chosen to jobs in the daemon's queue, and from finished jobs back into the project."""
