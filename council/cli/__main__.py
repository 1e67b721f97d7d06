"""`python -m council.cli` is `council`."""

from council.cli.main import main

main()
