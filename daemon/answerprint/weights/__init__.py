"""Model weights on disk: manifests with hashes and licences, and their verification. No torch, no diffusers.

Each folder here that holds a manifest.json is a model that ships with the package; users' models lie in
`home.models_folder()`, in the same form.

    published_models  which models can be pulled by name; one JSON file each in the folder published
    pulling        fetches them: the only part that uses the network, and only when asked
    importing      makes a model of files that the user has; checkpoints are converted in a sandbox
    packaged       models whose weights come in a Python package
    library        which models there are
    manifest       what a model folder says about itself; write_manifest makes one
    verify         checks size, form and hash before a file is read
    content, header, identify  what a file is by its content, and which family it is of
    install        a finished folder takes its place among the user's models, complete or not at all
    settings       the table [models] of config.toml
"""
