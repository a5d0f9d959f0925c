"""Child processes that do the work: decode -> temporal x backend -> encode. They never reach gRPC."""
