"""The method: image diffusion models made consistent over time, without training.

torch only. It knows no model by name: the network, its codec and its scheduler come in as the Protocols of
`protocols`, the motion between frames as `Correspondence`s.
"""
