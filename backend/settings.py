"""What the command line asks for, as checked values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend import builtin
from backend.errors import UsageError
from backend.options import Lora, Options
from serving.options import Options as Serving
from serving.sizes import read_size

_BUILTIN = "builtin:"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model to serve: the id clients use, its file, and adapters to add to it."""

    id: str
    path: Path
    loras: tuple[Lora, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """What may be loaded at the same time.

    Attributes:
        models: How many models; 0 for any number.
        memory: How many bytes; 0 for any number.
    """

    models: int = 0
    memory: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether models have to be loaded on demand."""
        return bool(self.models or self.memory)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server runs.

    Attributes:
        models: What it serves, at least one, with different ids.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.
        ctx: KV cells of each model, in tokens, shared by its requests.
        parallel: Requests each model decodes at the same time.
        threads: CPU threads for each model; 0 for its share of the cores.
        gpu_layers: Layers to put on a GPU; -1 for all.
        queue: Requests that may wait for each model beyond those it decodes.
        exit_with_parent: Whether the end of standard input ends the server.
        options: How models are loaded, but for their adapters.
        room: How many models may be loaded at the same time.
        sessions: Conversations that are kept; 0 for none.
        session_ttl: Seconds after its last turn when one is forgotten; 0 for never.
        serving: Who is served, and how much.
    """

    models: tuple[ModelSpec, ...]
    host: str
    port: int
    ctx: int
    parallel: int
    threads: int
    gpu_layers: int
    queue: int
    exit_with_parent: bool
    options: Options = field(default_factory=Options)
    room: Room = field(default_factory=Room)
    sessions: int = 1000
    session_ttl: int = 3600
    serving: Serving = field(default_factory=Serving)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values an option may have."""

    option: str
    low: int
    high: int

    def check(self, value: int) -> int:
        """Returns the value.

        Raises:
            UsageError: It is out of bounds.
        """
        if not self.low <= value <= self.high:
            raise UsageError(
                f"{self.option} must be between {self.low} and {self.high}, not {value}"
            )
        return value


PORT = Bounds("--port", 0, 65535)
CTX = Bounds("--ctx", 64, 1 << 24)
PARALLEL = Bounds("--parallel", 1, 256)
THREADS = Bounds("--threads", 0, 1024)
GPU_LAYERS = Bounds("--gpu-layers", -1, 100_000)
MODELS_MAX = Bounds("--models-max", 0, 10_000)
QUEUE = Bounds("--queue", 0, 1_000_000)
SESSIONS = Bounds("--sessions", 0, 1_000_000)
SESSION_TTL = Bounds("--session-ttl", 0, 1_000_000_000)


def parse_size(option: str, text: str) -> int:
    """Reads bytes: a number, or one with K, M, G or T for powers of 1024.

    Raises:
        UsageError: It is neither.
    """
    size = read_size(text)
    if size is None:
        raise UsageError(f"{option} must be bytes, or a size like 512M or 8G, not {text!r}")
    return size


def parse_spec(text: str) -> ModelSpec:
    """Reads ``PATH``, ``PATH=ALIAS``, ``builtin:NAME`` or ``builtin:NAME=ALIAS``.

    A file whose own name has a ``=`` is taken as it is when it exists.

    Raises:
        UsageError: The spec is empty in part, or names a built-in model there is not.
    """
    source, alias = _split(text)
    if not source or alias == "":
        raise UsageError(f"--model {text!r}: expected PATH, PATH=ALIAS or {_BUILTIN}NAME")
    if source.startswith(_BUILTIN):
        return ModelSpec(alias or source, _builtin_path(source.removeprefix(_BUILTIN)))
    path = Path(source).expanduser()
    return ModelSpec(alias or path.stem, path)


def parse_specs(texts: Sequence[str]) -> tuple[ModelSpec, ...]:
    """Reads all specs.

    Raises:
        UsageError: One is wrong, or two have the same id.
    """
    specs = tuple(parse_spec(text) for text in texts)
    for repeated in _repeated(spec.id for spec in specs):
        raise UsageError(
            f"--model: two models have the id {repeated!r}; give one another: PATH=ALIAS"
        )
    return specs


def require_files(specs: Sequence[ModelSpec]) -> None:
    """Looks for the files of all specs, before anything is started for them.

    Raises:
        UsageError: One is missing, or a folder.
    """
    for spec in specs:
        if spec.path.is_dir():
            raise UsageError(f"--model {spec.path}: that is a folder; name the GGUF file in it")
        if not spec.path.exists():
            raise UsageError(f"--model {spec.path}: there is no such file")


def _split(text: str) -> tuple[str, str | None]:
    if "=" not in text or Path(text).expanduser().exists():
        return text, None
    source, _, alias = text.rpartition("=")
    return source, alias


def _builtin_path(name: str) -> Path:
    names = builtin.names()
    if name not in names:
        there_are = ", ".join(_BUILTIN + known for known in names) or "none"
        raise UsageError(
            f"--model {_BUILTIN}{name}: no such built-in model; there are: {there_are}"
        )
    return builtin.path(name)


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
