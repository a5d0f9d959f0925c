"""Optical flow: pictures made ready for it, estimators, the flow cache, occlusion and scene cuts.

    prepare      picture -> the 8-bit luma an estimator is fed (and its hash)                      OpenCV
    opencv, raft estimators; registry chooses one by name                                          OpenCV, torchvision
    pair         both directions between two pictures, quantised, as bytes                         numpy
    cache, lease pairs on disk, shared by every job and model                                      numpy
    source       what the rest of the program asks: the pair between two prepared pictures
    consistency  round trip, confidence, occlusion, sampling, in the paper's symbols
    cuts         scene cuts

Import from the module that defines a name. Nothing is imported here, because the command `answerprint flow-cache` needs
`cache` alone, in a process that must not load OpenCV.
"""
