"""A panel of one: a model of this machine, or of a server, without a panel file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from council.config.hints import listed
from council.config.model_files import BUILTIN, builtin_problem, content_problem, missing_problem
from council.config.schema import ExpertConfig, is_reserved
from council.config.variables import look_up
from council.errors import ConfigError

_SEAT = "model"
_MOST_LISTED = 12
_LIST_SECONDS = 10.0

# What a mistake is called in a panel file, and what it was on the command line.
_OPTIONS = {
    "<panel>: experts[0].endpoint": "--url",
    "<panel>: experts[0].model": "--model",
    "<panel>: experts[0].api_key": "--api-key-env",
}


@dataclass(frozen=True, slots=True)
class OneModel:
    """One model, as the command line names it.

    Attributes:
        model: A GGUF file, `builtin:NAME`, or with a `url` what the server calls it.
        url: The server's endpoint; None for a model that is served here.
        api_key_env: The variable that holds the server's key.
    """

    model: str | None
    url: str | None = None
    api_key_env: str | None = None

    async def panel(self) -> Mapping[str, Any]:
        """The panel of it, as the content of a panel file.

        Raises:
            ConfigError: It is no model that could be asked.
        """
        entry: dict[str, Any] = {"model": self.model}
        if self.url is None:
            self._check_file()
        else:
            entry |= {"endpoint": self.url, "api_key": self._key()}
            entry["model"] = self.model or await _only_model(entry)
        return {"experts": [{**entry, "id": _seat(entry["model"])}], "strategy": "first"}

    def _check_file(self) -> None:
        """Raises ConfigError unless the model can be served here."""
        if self.api_key_env is not None:
            raise ConfigError("--api-key-env: the key is for a server: --url names it")
        if not self.model:
            raise ConfigError("--model: expected a GGUF file or builtin:NAME")
        file = Path(self.model).expanduser()
        problem = (
            builtin_problem(self.model)
            if self.model.startswith(BUILTIN)
            else missing_problem(file) or content_problem(file)
        )
        if problem:
            raise ConfigError(f"--model: {problem}; for a server's model --url names the server")

    def _key(self) -> str | None:
        if self.api_key_env is None:
            return None
        found = look_up(self.api_key_env, None)
        if found is None:
            raise ConfigError(
                f"--api-key-env: {self.api_key_env} is not set or empty: export it, or keep it with"
                f" `council keys set {self.api_key_env}`"
            )
        return found[0]


def in_options(error: ConfigError) -> ConfigError:
    """The error in the words of the command line, which is where the panel came from."""
    text = str(error)
    for key, option in _OPTIONS.items():
        text = text.replace(key, option)
    return ConfigError(text)


async def _only_model(entry: Mapping[str, Any]) -> str:
    """The model of a server that has one."""
    from council.agents.models_list import ask_for_list
    from council.agents.shared import Shared

    limits = {"first_token": _LIST_SECONDS, "connect": _LIST_SECONDS}
    config = ExpertConfig.model_validate({**entry, "model": _SEAT, "timeouts": limits})
    shared = Shared()
    try:
        found = await ask_for_list(config, shared)
    except ConfigError as error:
        raise ConfigError(f"--url: {error}") from None
    finally:
        await shared.aclose()
    if not found.answered:  # no name of a model would help
        raise ConfigError(f"--url: {found.problem}")
    if len(found.names) == 1:
        return found.names[0]
    if not found.names:
        raise ConfigError(f"--url: {found.problem}: --model says which to ask")
    raise ConfigError(f"--url: several models are there: --model chooses one{_some(found.names)}")


def _some(names: list[str]) -> str:
    left_out = len(names) - _MOST_LISTED
    return listed([*names[:_MOST_LISTED], *([f"and {left_out} more"] if left_out > 0 else [])])


def _seat(model: str) -> str:
    """What the seat is called: the model's own name, as far as an id can be so."""
    name = model.removeprefix(BUILTIN).rstrip("/").rpartition("/")[2].removesuffix(".gguf")
    id = re.sub(r"[^\w.\-]+", "-", name).strip("-")
    return _SEAT if not id or is_reserved(id) else id
