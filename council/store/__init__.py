"""The record of runs: what was asked, every event, every whole reply, in one SQLite file."""
