"""Model weights on disk: manifests with hashes and licences, and their verification. No torch, no diffusers.

Each subfolder with a manifest.json is an embedded model; users' models are in `home.models_folder()`, in the same form.
`published` describes the models that can be downloaded. Only `pulling` uses the network, and only on request.
"""
