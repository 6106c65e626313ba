"""Tests of `audiostreamer.decoders`; a package, so that names of modules may repeat elsewhere."""
