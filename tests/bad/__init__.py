"""Bad input: cases declared in `cases.yaml`, large and binary ones made in `made.py`, and the parsers they are for."""
