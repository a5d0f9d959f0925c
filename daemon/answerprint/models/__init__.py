"""Weights on disk: manifests with hashes and licences, and their verification. No torch, no diffusers, no network.

Each folder here that holds a manifest.json is a model that ships with the package; users' models lie in
`home.models_folder()`, in the same form.
"""
