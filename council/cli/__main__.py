"""`python -m council.cli` is `council`."""

from council.cli.start import main

main()
