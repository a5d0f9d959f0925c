"""Frames in, frames out: the restoration of one clip, chunk by chunk.

choices        what a request means for a model; imports nothing heavy
restore_clip   the pipeline behind restorations, previews and measurements
clip_state     what the next chunk needs of those before it, in memory and as a file
motion         the flow between frames, as the method wants it
passes         enlarging further than a model does at once
depth          depth as frames
"""
