"""The gRPC server of the daemon."""
