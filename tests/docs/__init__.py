"""The README and every page of the documentation: what they show is run, what they list is complete."""
