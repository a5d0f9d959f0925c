"""From chosen clips to jobs in the daemon's queue, and from finished jobs back into the project.

plan           what is restored of a selection, clip by clip, or why a clip cannot be
probe          what the daemon says about media
otio_check     a third reader of where items lie, where Resolve's numbers leave a doubt
own_clips      clips that we restored, wherever they lie
reuse, join    what was restored before, and how its parts and new ones become one file
output_names   where restored files lie, and their names
render         what Resolve renders first; render_job makes a job of a finished render
job, submit    the jobs of a selection, queued
clip_jobs      all jobs of a project, by clip
finish         puts finished clips back
edit_list      the same for an edit list, without Resolve
settings       what was chosen, and what was chosen last in a project
"""
