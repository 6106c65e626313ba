"""The ``audiostreamer`` command: thin over the library. Only here is anything printed."""
