"""Sources: `base` is the interface; each other module is one kind of source."""
