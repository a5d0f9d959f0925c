"""Import a user's files as a model; pickled files are converted in a child process."""
