"""From the command line to a chat: which panel, which conversation, where questions come from."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from council.cli.chat.commands import NAMES
from council.cli.chat.explained import MOST_SHOWN
from council.cli.chat.one_model import OneModel, in_options
from council.cli.chat.reader import Reader, standard_input
from council.cli.chat.screen import Screen
from council.cli.chat.session import ChatSession
from council.cli.chat.signals import Signals
from council.cli.chat.turns import Turns
from council.cli.store_options import where
from council.cli.terminal import one_line, say, shows_styles
from council.conversation import Conversation
from council.council import Council, open_council
from council.errors import ConfigError
from council.history import parted
from council.messages import ChatMessage
from council.place import History
from council.result import Result
from council.sources import AskOptions
from council.strategies import STRATEGIES

if TYPE_CHECKING:
    from council.store.store import Store

_HISTORY_FILE = "chat-history"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for.

    Attributes:
        panel: A panel file or its name, or one model.
        strategy: Instead of the panel's own.
        options: What each question is asked with besides.
        message: The one question; None for a chat.
        system: What stands before the first question.
        after: The run whose conversation goes on.
        history: What experts see of earlier turns; None for the usual, or that of `after`.
        max_turns: How many earlier turns are sent at most.
        quiet: Show no progress, no summary.
        keep: Whether runs, and what is typed, are kept.
    """

    panel: Path | OneModel
    strategy: str | None
    options: AskOptions
    message: str | None
    system: str | None
    after: str | None
    history: History | None
    max_turns: int | None
    quiet: bool
    keep: bool

    def __post_init__(self) -> None:
        if self.system is not None and self.after is not None:
            raise ConfigError(
                "--system begins a conversation, and --continue goes on with one: leave one out"
            )


class Chat:
    """A chat as the command line wants it.

    Args:
        wanted: What the command line asks for.
        store: Where runs are read from, and kept if they are.
    """

    def __init__(self, wanted: Wanted, store: Store | None) -> None:
        self._wanted = wanted
        self._store = store
        interactive = wanted.message is None and sys.stdin is not None and sys.stdin.isatty()
        self._interactive = interactive
        self._signals = Signals(stays=interactive)
        self._exit_code = 0

    async def run(self) -> int:
        """Chats to the end; returns the exit code.

        Raises:
            ConfigError: The panel or an option cannot be used.
            StoreError: There is no such run.
        """
        stopped = await self._signals.run(self._chat)
        return self._exit_code if stopped is None else stopped

    async def _chat(self) -> None:
        async with self._council() as council:
            turns = await self._turns(council)
            session = ChatSession(turns, self._signals)
            if self._wanted.message is not None:
                await session.once(self._wanted.message)
            else:
                self._greet(turns)
                await session.run(self._reader(turns))
                self._part(turns)
            self._exit_code = session.exit_code

    @asynccontextmanager
    async def _council(self) -> AsyncGenerator[Council, None]:
        kept = self._store if self._wanted.keep else None
        source = self._wanted.panel
        panel: Path | Mapping[str, Any]
        panel = await source.panel() if isinstance(source, OneModel) else source
        try:
            async with open_council(panel, strategy=self._wanted.strategy, store=kept) as council:
                yield council
        except ConfigError as error:
            if isinstance(source, OneModel):
                raise in_options(error) from None
            raise

    async def _turns(self, council: Council) -> Turns:
        talk, history, last = await self._conversation(council)
        opening, earlier = parted(talk.messages)
        return Turns(
            council,
            talk,
            Screen(quiet=self._wanted.quiet),
            self._wanted.options,
            opening=opening,
            earlier=earlier,
            history=history,
            limit=self._wanted.max_turns,
            last=last,
        )

    async def _conversation(self, council: Council) -> tuple[Conversation, History, Result | None]:
        """The conversation, what experts see of it, and what its last run came to."""
        wanted, store = self._wanted, self._store
        if wanted.after is None or store is None:
            given = [ChatMessage("system", wanted.system)] if wanted.system else []
            history: History = wanted.history or "answers"
            talk = council.conversation(history, messages=given, max_turns=wanted.max_turns)
            return talk, history, None
        from council.continuing import continued, result_of

        record = await anyio.to_thread.run_sync(store.run, wanted.after)
        talk = await continued(
            store, record.id, council, history=wanted.history, max_turns=wanted.max_turns
        )
        seen = wanted.history or (record.place.history if record.place else "answers")
        return talk, seen, await anyio.to_thread.run_sync(result_of, store, record.id)

    def _reader(self, turns: Turns) -> Reader:
        if not self._interactive or not _can_edit():
            return standard_input(interactive=self._interactive)
        # Imported where there is a terminal: it takes a tenth of a second.
        from council.cli.chat.keyboard import Keyboard

        arguments = {"strategy": lambda: list(STRATEGIES), "save": None}
        return Keyboard(NAMES, arguments, _history_file() if self._wanted.keep else None)

    def _greet(self, turns: Turns) -> None:
        if not self._interactive or self._wanted.quiet:
            return
        seats = ", ".join(expert.id for expert in turns.council.experts)
        say(f"{seats} · {turns.strategy.name}")
        say("/help lists the commands, Ctrl-D leaves")
        for turn in turns.earlier[-1:]:
            say(f"the last question was: {one_line(turn.question, MOST_SHOWN)}")

    def _part(self, turns: Turns) -> None:
        """Says how to go on some other time."""
        store = self._store
        if self._wanted.quiet or not self._interactive or store is None or not turns.talk.turns:
            return
        last = turns.talk.turns[-1].result
        if self._wanted.keep and store.keeping and last is not None:
            say(f"--continue {last.run_id[:8]}{where(store)} goes on from here")


def _can_edit() -> bool:
    """Whether the terminal can do more than lines, and is where a prompt would be seen."""
    return bool(os.environ.get("TERM")) and shows_styles(sys.stderr)


def _history_file() -> Path:
    from platformdirs import user_data_path

    return user_data_path("council", appauthor=False) / _HISTORY_FILE
