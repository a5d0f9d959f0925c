"""The daemon's side of the OpenFX plugin: restored frames as files, in the colours and at the size of a host's node.

The plugin sends questions, and reads answers from files. `protocol` is the contract with it.
"""
