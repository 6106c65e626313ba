"""Tests of `audiostreamer.sources`, of the registry and of names; a package, so that names of modules may repeat."""
