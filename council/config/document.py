"""A YAML text as plain values that remember their lines, so that errors can point at them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from council.config.mistakes import KeyPath, Mistake, Mistakes
from council.config.variables import Origin, is_secret, look_up
from council.errors import ConfigError

_YAML_ADVICE = {
    "'\\t'": ": indent with spaces",
    "mapping values are not allowed": ": a value with a colon and a space in it needs quotes",
    "unexpected end of stream": ": a quote is not closed",
    "cannot start any token": ": a value that begins with such a character needs quotes",
}
_MOST_VALUES = 100_000
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
        name: What to call it in errors: a path, or `<panel>`; empty where the key says enough.
        values: The top-level mapping.
        lines: The line of each key path, from 1.
        mistakes: What has been found wrong so far; whoever reads on adds to it.
        origins: Where the variables in a value came from, for each key path that has some.
    """

    name: str
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    mistakes: Mistakes = field(default_factory=Mistakes, compare=False)
    origins: Mapping[KeyPath, tuple[Origin, ...]] = field(default_factory=dict, compare=False)

    def error(self, path: KeyPath, message: str) -> Mistake:
        """An error that names the file, the line and the key."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return _mistake(self.name, self.lines.get(known, 0), path, message)


def read_document(text: str, name: str) -> Document:
    """Parses a YAML text whose top level is a mapping.

    `${VAR}` and `${VAR:-default}` in strings are replaced from the environment or by a key that is
    kept under this name, `$$` by a dollar.
    A key that stands twice, an unusable value and a variable that is not set become `mistakes` of
    the document, in which the text then stands as it was written.

    Raises:
        ConfigError: Not YAML, a top level that is no mapping, or more than a panel can need.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(_yaml_problem(error, name)) from error
    except RecursionError:
        raise ConfigError(f"{name}: not a panel: values stand too deep in each other") from None
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{name}: expected a mapping with `experts:`, see configs/ for examples")
    lines: dict[KeyPath, int] = {}
    mistakes = Mistakes()
    reader = _Reader(name, lines, mistakes)
    return Document(name, reader.read(root, ()), lines, mistakes, reader.origins)


class _Reader:
    def __init__(self, name: str, lines: dict[KeyPath, int], mistakes: Mistakes) -> None:
        self._name = name
        self._lines = lines
        self._mistakes = mistakes
        self.origins: dict[KeyPath, tuple[Origin, ...]] = {}
        self._scalars = yaml.SafeLoader("")
        self._open: set[int] = set()
        self._room = _MOST_VALUES

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self._room -= 1
        if self._room < 0:
            # Aliases of aliases can make a few lines more than any memory holds.
            raise ConfigError(f"{self._name}: not a panel: more than {_MOST_VALUES} values")
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            self._note(node, path, "an alias that contains itself")
            return None
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
                self._note(key_node, path, "a key has to be a plain word")
                continue
            key = str(key_node.value)
            key_path = (*path, key)
            if key in mapping:
                first = self._lines[key_path]
                self._note(key_node, key_path, f"the key stands twice (first: line {first})")
                continue
            self._lines[key_path] = key_node.start_mark.line + 1
            mapping[key] = self.read(value_node, key_path)
        return mapping

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        try:
            value = self._scalars.construct_object(node)
        except Exception:
            # PyYAML's constructors raise whatever they stumble over: `!!bool maybe` a KeyError.
            self._note(node, path, f"unusable value {node.value!r}")
            return node.value
        return self._expand(value, node, path) if isinstance(value, str) else value

    def _expand(self, text: str, node: yaml.Node, path: KeyPath) -> str:
        def substitute(match: re.Match[str]) -> str:
            name = match["name"]
            if name is None:
                return "$"
            try:
                found = look_up(name, match["default"])
            except ConfigError as error:
                self._note(node, path, str(error))
                return match[0]
            if found is None:
                self._note(node, path, _unset(name, path))
                return match[0]
            value, origin = found
            self.origins[path] = (*self.origins.get(path, ()), origin)
            return value

        return _VARIABLE.sub(substitute, text)

    def _note(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        line = node.start_mark.line + 1
        self._mistakes.add(_mistake(self._name, line, path, message))


def _unset(name: str, path: KeyPath) -> str:
    keep = f", keep it with `council keys set {name}`" if is_secret(path) else ""
    return (
        f"the environment variable {name} is not set or empty: export it{keep}, or write"
        f" ${{{name}:-default}}"
    )


def _mistake(name: str, line: int, path: KeyPath, message: str) -> Mistake:
    where = f"{name}:{line}" if line else name
    return Mistake(": ".join(filter(None, (where, dotted(path), message))), path, line)


def _yaml_problem(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    where = f"{name}:{mark.line + 1}" if mark else name
    advice = next((advice for part, advice in _YAML_ADVICE.items() if part in problem), "")
    return f"{where}: not valid YAML: {problem}{advice}"
