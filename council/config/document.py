"""A YAML text as plain values that remember their lines, so that errors can point at them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from council.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Where a value stands: `("experts", 0, "model")`."""

_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}")


def dotted(path: KeyPath) -> str:
    """A key path as people write it: `experts[0].model`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a YAML text.

    Attributes:
        name: What to call it in errors: a path, or `<panel>`.
        values: The top-level mapping.
        lines: The line of each key path, from 1.
    """

    name: str
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int]

    def error(self, path: KeyPath, message: str) -> ConfigError:
        """An error that names the file, the line and the key."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known)
        where = f"{self.name}:{line}" if line else self.name
        key = dotted(path)
        return ConfigError(f"{where}: {key}: {message}" if key else f"{where}: {message}")


def read_document(text: str, name: str) -> Document:
    """Parses a YAML text whose top level is a mapping.

    `${VAR}` and `${VAR:-default}` in strings are replaced from the environment, `$$` by a dollar.

    Raises:
        ConfigError: Not YAML, a duplicate key, a top level that is no mapping, or a variable
            that is not set.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(_yaml_problem(error, name)) from error
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{name}: expected a mapping with `experts:`, see configs/ for examples")
    lines: dict[KeyPath, int] = {}
    values = _Reader(name, lines).read(root, ())
    return Document(name, values, lines)


class _Reader:
    def __init__(self, name: str, lines: dict[KeyPath, int]) -> None:
        self._name = name
        self._lines = lines
        self._scalars = yaml.SafeLoader("")
        self._open: set[int] = set()

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            raise self._error(node, path, "an alias that contains itself")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(key_node, path, "a key has to be a plain word")
            key = str(key_node.value)
            key_path = (*path, key)
            if key in mapping:
                first = self._lines[key_path]
                raise self._error(key_node, key_path, f"the key stands twice (first: line {first})")
            self._lines[key_path] = key_node.start_mark.line + 1
            mapping[key] = self.read(value_node, key_path)
        return mapping

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        try:
            value = self._scalars.construct_object(node)
        except Exception as error:
            # PyYAML's constructors raise whatever they stumble over: `!!bool maybe` a KeyError.
            raise self._error(node, path, f"unusable value {node.value!r}") from error
        return self._expand(value, node, path) if isinstance(value, str) else value

    def _expand(self, text: str, node: yaml.Node, path: KeyPath) -> str:
        def substitute(match: re.Match[str]) -> str:
            name = match["name"]
            if name is None:
                return "$"
            value = os.environ.get(name) or match["default"]
            if value is None:
                raise self._error(
                    node,
                    path,
                    f"the environment variable {name} is not set or empty:"
                    f" export it, or write ${{{name}:-default}}",
                )
            return value

        return _VARIABLE.sub(substitute, text)

    def _error(self, node: yaml.Node, path: KeyPath, message: str) -> ConfigError:
        where = f"{self._name}:{node.start_mark.line + 1}"
        key = dotted(path)
        return ConfigError(f"{where}: {key}: {message}" if key else f"{where}: {message}")


def _yaml_problem(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    where = f"{name}:{mark.line + 1}" if mark else name
    return f"{where}: not valid YAML: {problem}"
