"""Child processes that decode, restore and encode. They never import gRPC."""
