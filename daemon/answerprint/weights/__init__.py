"""Weights on disk: manifests with hashes and licences, and their verification. No torch, no diffusers.

Each folder here that holds a manifest.json is a model that ships with the package; users' models lie in
`home.models_folder()`, in the same form. `published` says which models are known and where they are had; only
`pulling` uses the network, and only when it is asked to.
"""
