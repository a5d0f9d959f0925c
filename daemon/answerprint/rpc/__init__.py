"""The public protocol: generated code, conversion to and from it, and how a daemon is found.

v1             generated from proto/ by `make proto`
convert        jobs and settings; convert_events, convert_info and convert_media the rest
values         single values
errors         errors on their way through gRPC
limits         how much the server accepts
session_file   where the daemon listens, and the token
"""
