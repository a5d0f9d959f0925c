"""What the daemon and its clients share; standard library only.

request        what a user asks for: every setting, described once for all front ends
clip_ref       which media, which frames of it, and how to read it
job            what the journal keeps of a job
types          what the daemon can do, as a Protocol, and what it answers
"""
