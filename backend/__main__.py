"""``python -m backend``."""

from __future__ import annotations

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the server listens for itself: an interrupted import would be a traceback.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

try:
    from backend.cli import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.split(".")[0] == "backend":
        raise
    sys.stderr.write(
        f"council-backend: {error.name} is not installed: run 'scripts/setup', or"
        " pip install '.[backend]' in council's folder\n"
    )
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
