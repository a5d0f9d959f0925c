"""Frames in, frames out: the restoration of one clip."""
