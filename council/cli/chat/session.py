"""One chat from its first question to its end."""

from __future__ import annotations

from contextlib import suppress

from council.cli.chat.commands import Leave, obey
from council.cli.chat.reader import Interrupted, Reader
from council.cli.chat.signals import Signals
from council.cli.chat.spoken import Called, understood
from council.cli.chat.turns import Turns
from council.cli.exit_codes import OK, of_error
from council.cli.terminal import complain, say
from council.errors import CouncilError

HOW_TO_LEAVE = "Ctrl-D or /quit leaves; /help lists the commands"


class ChatSession:
    """Takes what is said, has it answered or done, and goes on whatever came of it.

    Args:
        turns: The conversation.
        signals: What stops an answer.

    Attributes:
        exit_code: What the command ends with: the code of the first thing that failed, where
            nobody was there to see it.
    """

    def __init__(self, turns: Turns, signals: Signals) -> None:
        self._turns = turns
        self._signals = signals
        self.exit_code = OK

    async def run(self, reader: Reader) -> None:
        """Goes on until there is nothing more to read, or somebody leaves."""
        try:
            while (text := await self._next(reader)) is not None:
                code = await self._answer(understood(text))
                if reader.interactive:
                    continue
                self.exit_code = self.exit_code or code
                if self._turns.unread:
                    break
        except Leave:
            pass

    async def once(self, question: str) -> None:
        """Asks one question, or does what one command says, and that is all."""
        with suppress(Leave):
            self.exit_code = await self._answer(understood(question))

    async def _next(self, reader: Reader) -> str | None:
        """What is said next; None at the end."""
        while True:
            try:
                with self._signals.stoppable():
                    return await reader.read()
            except Interrupted:
                pass
            say(HOW_TO_LEAVE)

    async def _answer(self, said: str | Called | None) -> int:
        """Answers a question, or does what a command says; returns what came of it."""
        code: int | None = OK
        try:
            with self._signals.stoppable():
                if isinstance(said, Called):
                    code = await obey(self._turns, said)
                elif said is not None:
                    code = await self._turns.ask(said)
        except CouncilError as error:
            complain(error)
            code = of_error(error.kind)
        return code or OK
