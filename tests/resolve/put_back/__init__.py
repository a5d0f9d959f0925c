"""Tests of what is put back into Resolve's project, and taken out again."""
