"""Files that the user has become a model; pickled ones are converted in a child of its own."""
