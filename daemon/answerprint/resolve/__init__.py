"""The way between Resolve's timeline and the daemon: what is on it becomes jobs, what is finished comes back.

link/       Resolve's API over a pipe: its objects live in a bridge, a process with no part in anything else
api/        the calls that are made, each with the form of its answer
reading/    from timeline items to frames of files, by two readers
putting/    into the media pool, onto a track, as a take, in place; and out again
setup/      menu scripts in Resolve's own folders
"""
