"""The daemon's queue: jobs, devices and the child processes that do the work. Never imports torch or av."""
