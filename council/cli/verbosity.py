"""`council -v`: what council logs, on standard error."""

from __future__ import annotations

import json
import logging
import os
import time

from council.cli.terminal import say
from council.logs import Line

LOG_FORMAT = "COUNCIL_LOG"
"""The environment variable; `json` has lines of JSON written."""


def log_to_stderr(times: int) -> None:
    """Has what council logs written to standard error.

    Args:
        times: How often `-v` was given: once for what happens in runs and around them, twice for
            each request as well.
    """
    as_json = os.environ.get(LOG_FORMAT, "").strip().lower() == "json"
    handler = _Handler()
    handler.setFormatter(_AsJson() if as_json else _AsText())
    logger = logging.getLogger("council")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if times == 1 else logging.DEBUG)
    # A server's own handler would write the same again.
    logger.propagate = False


class _Handler(logging.Handler):
    """Writes where other messages are written, whatever stands for standard error by then."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            say(self.format(record))
        except Exception:
            self.handleError(record)


class _AsText(logging.Formatter):
    """A line of `time level logger event key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        level = record.levelname.lower()
        line = f"{_moment(record)} {level} {record.name} {record.getMessage()}"
        # A defect's traceback stands below its line.
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _AsJson(logging.Formatter):
    """The same as a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        known = {"time": _moment(record), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info:
            known["traceback"] = self.formatException(record.exc_info)
        said = record.msg
        if isinstance(said, Line):
            return json.dumps({**known, "event": said.event, **said.fields}, ensure_ascii=False)
        return json.dumps({**known, "message": record.getMessage()}, ensure_ascii=False)


def _moment(record: logging.LogRecord) -> str:
    """When it was, in UTC."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{stamp}.{int(record.msecs):03d}Z"
