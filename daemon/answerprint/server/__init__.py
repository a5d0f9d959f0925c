"""The gRPC server of the daemon: gate, validation, services, health, and the lock on the home folder."""
