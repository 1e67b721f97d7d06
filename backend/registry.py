"""The models a server has, by id, and their common beginning and end."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from backend.chat.template import ChatTemplate
from backend.cpus import default_threads
from backend.engine.messages import Load, Loaded
from backend.engine.supervisor import Supervisor
from backend.errors import InvalidRequest, ModelNotFound
from backend.gguf import parts_of
from backend.keeper import Keeper
from backend.memory import needed
from backend.sessions import Sessions
from backend.settings import ModelSpec, Room, Settings


class Model:
    """A model that clients can name."""

    def __init__(self, spec: ModelSpec, load: Load, settings: Settings) -> None:
        """Takes what was asked for and how to load it."""
        self.id = spec.id
        self.path = spec.path
        self._load = load
        self.supervisor = Supervisor(spec.id, load, settings.parallel + settings.queue)
        self.created = int(time.time())

    @property
    def size(self) -> int | None:
        """Bytes of its file or files; None when one is missing."""
        files = parts_of(self.path)
        return sum(file.stat().st_size for file in files) if all(map(Path.is_file, files)) else None

    @functools.cached_property
    def memory(self) -> int:
        """Bytes it needs when it is loaded, by its file."""
        return needed(self._load)


@functools.lru_cache(maxsize=64)
def chat_template(card: Loaded) -> ChatTemplate:
    """The compiled template of a loaded model.

    Raises:
        TemplateError: It is no valid Jinja.
    """
    return ChatTemplate(card.template, card.bos, card.eos)


class Registry:
    """Finds models by id, starts them and stops them."""

    def __init__(self, models: Iterable[Model], room: Room, sessions: Sessions) -> None:
        """Takes models with different ids, how many may be loaded, and the conversations."""
        self._models = {model.id: model for model in models}
        self.on_demand = room.is_limited
        """Whether models are loaded when they are asked, and unloaded again."""
        self.sessions = sessions
        sizes = [(model.supervisor, self._size(model)) for model in self._models.values()]
        self._keeper = Keeper(room, sizes)

    def _size(self, model: Model) -> int:
        # Reading a file's header takes a moment, for nothing where there is no limit.
        return model.memory if self.on_demand else 0

    @classmethod
    def from_settings(cls, settings: Settings) -> Registry:
        """Prepares the models of a command line."""
        models = [Model(spec, _load(spec, settings), settings) for spec in settings.models]
        return cls(models, settings.room, Sessions(settings.sessions, settings.session_ttl))

    @property
    def models(self) -> list[Model]:
        """All models, in the order of the command line."""
        return list(self._models.values())

    def find(self, name: str | None) -> Model:
        """The model a request names; without a name, the only one there is.

        Raises:
            ModelNotFound: There is none of that name.
            InvalidRequest: No name, and several models.
        """
        if name is None and len(self._models) == 1:
            return self.models[0]
        if name is None:
            there_are = ", ".join(map(repr, self._models))
            raise InvalidRequest(
                f"model is missing and there are several: {there_are}.", param="model"
            )
        if name not in self._models:
            raise ModelNotFound(name, self._models)
        return self._models[name]

    def start(self) -> None:
        """Begins to load all models, unless they are loaded on demand."""
        if not self.on_demand:
            self._keeper.start()

    async def load(self, model: Model) -> None:
        """Returns when a model is ready; makes room for it as a request to it would.

        Raises:
            ApiError: It cannot be loaded.
        """
        self._keeper.summon(model.id)
        await model.supervisor.ready()

    async def unload(self, model: Model) -> None:
        """Returns when a model is not loaded any more; the next request to it loads it again.

        Raises:
            ModelInUse: It has requests.
        """
        await self._keeper.unload(model.id)

    async def settled(self) -> None:
        """Waits until each model is ready or has failed."""
        await asyncio.gather(*(model.supervisor.settled() for model in self.models))

    async def close(self) -> None:
        """Ends every request and every worker."""
        for model in self.models:
            model.supervisor.close()
        await self._keeper.close()


def _load(spec: ModelSpec, settings: Settings) -> Load:
    at_once = min(settings.room.models or len(settings.models), len(settings.models))
    return Load(
        path=str(spec.path),
        ctx=settings.ctx,
        parallel=settings.parallel,
        threads=settings.threads or default_threads(spec.path, at_once),
        gpu_layers=settings.gpu_layers,
        options=replace(settings.options, loras=spec.loras),
    )
