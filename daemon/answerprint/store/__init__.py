"""Durable storage: atomic files, the journal of jobs, chunks on disk, recovery and checks."""
