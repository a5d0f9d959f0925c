"""The public contract: the daemon's gRPC server and the client of the command line."""
