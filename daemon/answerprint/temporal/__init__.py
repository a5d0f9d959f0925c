"""The method: image diffusion models made consistent over time, without training.

Depends on torch only and on no model: network, codec and scheduler are passed in as the Protocols of `protocols`,
motion between frames as `Correspondence`s.
"""
