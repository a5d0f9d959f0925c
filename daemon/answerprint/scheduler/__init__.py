"""The parent's side of the work: it starts, watches and ends the children. It never loads torch or av."""
