"""`python -m council` is `council`."""

from council.cli.start import main

if __name__ == "__main__":
    main()
