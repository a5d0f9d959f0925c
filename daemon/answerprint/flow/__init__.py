"""Optical flow: picture preparation, estimators, the flow cache, occlusion and scene cuts.

    prepare      picture -> the estimator's input: 8-bit luma, and its hash                        OpenCV
    opencv, raft estimators; registry selects one by name                                          OpenCV, torchvision
    still        zero flow where the camera stands still
    pair         flow in both directions between two pictures, quantised, as bytes                 numpy
    cache, entries, lease pairs on disk, shared by all jobs and models                             numpy
    source       the interface for the rest of the program: the pair between two prepared pictures
    consistency  round trip, confidence, occlusion, sampling, in the paper's symbols
    cuts         scene cuts

Import from the module that defines a name. Nothing is imported here, because the command `answerprint flow-cache` needs
only `cache`, in a process that must not load OpenCV.
"""
