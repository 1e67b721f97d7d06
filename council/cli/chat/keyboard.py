"""Questions from a terminal: line editing, history, completion."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output

from council.cli.chat.reader import GOES_ON, PROMPT, Interrupted
from council.cli.chat.spoken import CONTINUED, SLASH, Called, understood

Choices = Callable[[], Iterable[str]]
"""The words that a command may be followed by."""

Argument = Choices | None
"""What completes a command's argument: words, or with None the names of files."""


class Keyboard:
    """A terminal that is typed at; everything it shows goes to standard error.

    Args:
        commands: The names of the commands.
        arguments: What completes the argument of a command, where something can.
        history: The file in which questions are kept for the next time; None to keep none.
    """

    interactive = True

    def __init__(
        self, commands: Sequence[str], arguments: Mapping[str, Argument], history: Path | None
    ) -> None:
        self._session: PromptSession[str] = PromptSession(
            f"\n{PROMPT}",
            multiline=True,  # for what is pasted, and for the keys below
            prompt_continuation=GOES_ON,
            key_bindings=_keys(),
            completer=_CommandCompleter(commands, arguments),
            complete_while_typing=False,
            history=_history(history),
            input=create_input(sys.stdin),
            output=create_output(sys.stderr),
            interrupt_exception=Interrupted,
            enable_suspend=True,  # Ctrl-Z, as in any program of a shell
        )

    async def read(self) -> str | None:
        """What is typed next; None where Ctrl-D ends it.

        Raises:
            Interrupted: Ctrl-C, and nothing had been typed.
        """
        while True:
            try:
                # Signals are the session's to hear: it knows what is going on.
                return await self._session.prompt_async(handle_sigint=False)
            except EOFError:
                return None
            except Interrupted:
                if not self._session.default_buffer.text.strip():
                    raise


class _PrivateHistory(FileHistory):
    """Questions in a file that nobody else may read; one that cannot be written costs nothing."""

    def store_string(self, string: str) -> None:
        """Adds a question to the file; commands are of this chat."""
        if isinstance(understood(string), Called):
            return
        path = Path(str(self.filename))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            super().store_string(string)
        except OSError:
            pass

    def load_history_strings(self) -> Iterable[str]:
        """The questions of earlier times, the newest first."""
        try:
            return list(super().load_history_strings())
        except OSError:
            return []


class _CommandCompleter(Completer):
    """Completes commands and what they are followed by; questions are left alone."""

    def __init__(self, commands: Sequence[str], arguments: Mapping[str, Argument]) -> None:
        self._commands = commands
        self._arguments = arguments
        self._files = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        """The words that the text before the cursor may become."""
        text = document.text_before_cursor
        if not text.startswith(SLASH) or text.startswith(SLASH * 2) or "\n" in text:
            return []
        name, space, argument = text[1:].partition(" ")
        if not space:
            return _beginning(name, self._commands)
        if name not in self._arguments:
            return []
        choices = self._arguments[name]
        if choices is None:
            return self._files.get_completions(Document(argument), event)
        return _beginning(argument, choices())


def _beginning(text: str, words: Iterable[str]) -> list[Completion]:
    return [Completion(word, -len(text)) for word in words if word.startswith(text)]


def _history(file: Path | None) -> History:
    return InMemoryHistory() if file is None else _PrivateHistory(str(file))


def _keys() -> KeyBindings:
    """Enter asks; after a backslash, and with Alt, it begins another line."""
    keys = KeyBindings()

    @keys.add("enter")
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.text_before_cursor.endswith(CONTINUED):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _alt_enter(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
