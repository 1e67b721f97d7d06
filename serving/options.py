"""What can be chosen for a server, as checked values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from serving.accounts import Rates
from serving.key_file import read_key_file
from serving.keys import Key, Keys

LogForm = Literal["plain", "json"]


@dataclass(frozen=True, slots=True)
class Options:
    """How requests are let in, limited and noted; the defaults let everybody in.

    Attributes:
        keys: Keys of the command line and the environment.
        keys_file: A file of further ones.
        rates: Of each key, or of each address where there are no keys.
        origins: Pages of the web that may ask; see ``origins.parse_origins``.
        hosts: Names of this machine besides loopback's, in lower case.
        open_metrics: Whether /metrics needs no key.
        max_body: Most bytes of a request's body.
        body_patience: Seconds that a body may take to arrive.
        request_timeout: Seconds until an answer has to be complete; 0 for any time.
        drain: Seconds that requests have to end once the server is to end.
        access_log: How each request is noted on standard error; None for not at all.
        log_prompts: Whether bodies are noted too.
    """

    keys: tuple[Key, ...] = ()
    keys_file: Path | None = None
    rates: Rates = field(default_factory=Rates)
    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    open_metrics: bool = False
    max_body: int = 8 << 20
    body_patience: float = 60.0
    request_timeout: float = 0.0
    drain: float = 30.0
    access_log: LogForm | None = None
    log_prompts: bool = False

    def load_keys(self) -> Keys:
        """All keys; those of the file as it is now.

        Raises:
            OptionError: The file cannot be used, or two keys have the same name.
        """
        more = read_key_file(self.keys_file, self.rates) if self.keys_file else ()
        return Keys((*self.keys, *more))
