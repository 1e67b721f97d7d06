"""The entry point: ready for Ctrl-C before anything that takes time is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the `council` command."""
    try:
        from council.cli.quick_exit import exit_on_interrupt

        exit_on_interrupt()
    except KeyboardInterrupt:
        sys.exit(130)  # INTERRUPTED of exit_codes.py, which may be what could not be imported
    from council.cli.main import main as command

    command()
