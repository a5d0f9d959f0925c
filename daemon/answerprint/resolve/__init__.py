"""From DaVinci Resolve's timeline into the queue, and back onto the timeline.

bridge/         Resolve's API over a pipe; its objects stay in another process
api/            the calls on Resolve, typed
conform/        from timeline items to frames of files, by two independent readers
restore/        from a selection to jobs, and from finished jobs back into the project
put_back/       into the media pool, onto a track, as a take, in place; and undo
deliver/        has Resolve render what only Resolve can read
edit_lists/     EDL and OTIO files, without Resolve
settings_form/  the settings form: in Resolve, in a window, in the terminal
install/        the menu scripts in Resolve's folders, and what may be wrong with them
edition.py      what each edition and version of Resolve can do, and what to do instead
errors.py       errors of the link to Resolve
"""
