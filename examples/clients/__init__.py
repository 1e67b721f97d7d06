"""Clients of other projects at the bundled server, one program for each."""
