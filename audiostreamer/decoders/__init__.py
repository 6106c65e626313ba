"""Decoders: `base` is the interface, `engines` the table that chooses."""
