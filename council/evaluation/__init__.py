"""Measuring a panel on questions whose answers are known; `council eval` on the command line."""
