"""A chat as a document: Markdown for people, JSON to go on from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from council.cli.summary import summary_lines
from council.cli.terminal import one_line
from council.conversation import Conversation
from council.errors import ConfigError
from council.history import Turn
from council.messages import ChatMessage

_JSON = ".json"
_TITLE = 80


def file_of(name: str) -> Path:
    """The file that a name means, from any folder; `~` is the home folder."""
    return Path(name).expanduser().absolute()


def save(file: Path, text: str, *, again: bool) -> None:
    """Writes a document.

    Args:
        file: Where; a file that is there is left alone.
        text: What to write.
        again: The file is one that this chat has written.

    Raises:
        ConfigError: It cannot be written, or belongs to somebody else.
    """
    try:
        with file.open("w" if again else "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise ConfigError(f"{file} is there already: /save takes another name") from None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}: /save takes another name") from error


def document(
    file: Path, talk: Conversation, opening: Sequence[ChatMessage], earlier: Sequence[Turn]
) -> str:
    """The conversation in the form that a file's name asks for.

    Args:
        file: `.json` for what `Conversation.from_json` reads; else it is Markdown.
        talk: The conversation.
        opening: What stands before the first question.
        earlier: The turns from before this chat.
    """
    if file.suffix.lower() == _JSON:
        return talk.to_json(indent=2) + "\n"
    parts = _parts(talk, opening, [*earlier, *talk.turns])
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _parts(
    talk: Conversation, opening: Sequence[ChatMessage], turns: Sequence[Turn]
) -> Iterator[str]:
    yield f"# {one_line(turns[0].question, _TITLE) if turns else 'Nothing asked yet'}"
    yield f"- conversation: {talk.id}"
    for message in opening:
        yield from (f"## {message.role.capitalize()}", message.text)
    for number, turn in enumerate(turns, 1):
        yield from (f"## Question {number}", turn.question)
        yield from (f"## Answer {number}", *_answer(turn))


def _answer(turn: Turn) -> Iterator[str]:
    yield turn.answer
    if turn.result is not None:
        yield "\n".join(f"- {line}" for line in summary_lines(turn.result))
