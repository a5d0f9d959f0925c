"""Durability: what is written is complete or absent."""
