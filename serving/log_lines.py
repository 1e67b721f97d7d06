"""Log lines that say which request they are about."""

from __future__ import annotations

import logging

from serving.exchange import request_id


class LineFormatter(logging.Formatter):
    """A message, with the request's id where one is being served."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The first line; a traceback follows it."""
        id = request_id()
        return f"{record.message} (request {id})" if id else record.message


def log_to_stderr() -> None:
    """Sends what all modules log, from warnings on, to standard error."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(LineFormatter())
    logging.getLogger().addHandler(handler)
