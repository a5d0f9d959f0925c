"""Between Resolve's timeline and the daemon: clips become jobs, and finished clips are put back.

bridge         Resolve's API over a pipe: its objects live in a process of their own
api            the calls on Resolve, one class for each of its objects
conform        from timeline items to frames of files, by independent readers
restore        from chosen clips to jobs, and from finished jobs back
put_back       restored files into the project: media pool, track, take, in place; and out again
deliver        sources that only Resolve can read, rendered by Resolve
edit_lists     EDL and OpenTimelineIO, for those who are not in Resolve
settings_form  Restore Settings: the form as data, and the ways to show it
install        the scripts in Resolve's menus
edition        what each edition and version of Resolve can do
errors         what goes wrong between us and Resolve
"""
