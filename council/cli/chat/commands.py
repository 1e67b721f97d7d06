"""The commands of a chat. A new one is a function and a line in `COMMANDS`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from council.cli.chat.explained import MOST_SHOWN, expert_lines, why_lines
from council.cli.chat.spending import spending_lines
from council.cli.chat.spoken import SLASH, Called
from council.cli.chat.turns import Turns
from council.cli.chat.written import document, file_of, save
from council.cli.run_options import options_of
from council.cli.terminal import one_line, say
from council.config.hints import nearest
from council.errors import ConfigError
from council.strategies import STRATEGIES

_ESCAPE = "// begins a question that begins with a slash"
_KEYS = (
    r"Enter asks. A line that ends with \ goes on in the next one; Alt-Enter begins a line too.",
    f"{_ESCAPE}.",
    "Ctrl-C stops an answer and keeps the chat; Ctrl-D leaves.",
)
_NO_RUN = "nothing has been asked yet"


class Leave(Exception):
    """Somebody wants to go."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: Its name without the slash.
        argument: What may follow it, for `/help`; empty where nothing may.
        help: What it does.
        run: Does it; gives the exit code where it asked something.
        aliases: Other names of it.
    """

    name: str
    argument: str
    help: str
    run: Callable[[Turns, str], Awaitable[int | None]]
    aliases: tuple[str, ...] = ()


async def obey(turns: Turns, called: Called) -> int | None:
    """Does what a command says; gives the exit code where it asked something.

    Raises:
        ConfigError: There is no such command, or it cannot be used so.
        Leave: It is the command to leave.
    """
    command = _BY_NAME.get(called.name)
    if command is None:
        near = nearest(SLASH + called.name, [SLASH + name for name in _BY_NAME])
        raise ConfigError(f"no command is called {SLASH + called.name!r}{near}; {_ESCAPE}")
    if called.argument and not command.argument:
        raise ConfigError(f"/{command.name} stands alone: {called.argument!r} is too much")
    return await command.run(turns, called.argument)


def _short(text: str) -> str:
    return one_line(text, MOST_SHOWN)


async def _help(turns: Turns, argument: str) -> None:
    shown = [f"/{each.name} {each.argument}".rstrip() for each in COMMANDS]
    width = max(map(len, shown))
    for begin, command in zip(shown, COMMANDS, strict=True):
        say(f"{begin:<{width}}  {command.help}")
    for line in _KEYS:
        say(line)


async def _experts(turns: Turns, argument: str) -> None:
    for line in expert_lines(turns.council.experts, turns.council.writers, turns.last):
        say(line)


async def _strategy(turns: Turns, argument: str) -> None:
    if argument:
        name, *pairs = argument.split()
        turns.decide_by(name, options_of(pairs))
    options = turns.strategy.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    given = "".join(f" {key}={value}" for key, value in options.items())
    say(f"strategy: {turns.strategy.name}{given}")
    if not argument:
        say(f"others: {', '.join(name for name in STRATEGIES if name != turns.strategy.name)}")


async def _why(turns: Turns, argument: str) -> None:
    if turns.last is None:
        raise ConfigError(_NO_RUN)
    for line in why_lines(turns.last):
        say(line)


async def _save(turns: Turns, argument: str) -> None:
    file = file_of(argument or f"council-{turns.talk.id[:8]}.md")
    save(file, document(file, turns.talk, turns.opening, turns.earlier), again=file in turns.saved)
    turns.saved.add(file)
    say(f"saved in {file}")


async def _history(turns: Turns, argument: str) -> None:
    for message in turns.opening:
        say(f"{message.role}: {_short(message.text)}")
    for number, turn in enumerate(turns.all, 1):
        say(f"{number:>3}  {_short(turn.question)}")
        say(f"     {_short(turn.answer)}")
    if turns.talk.dropped is not None:
        say(f"  ?  {_short(turns.talk.dropped.question.text)}")
        say("     no answer: /retry asks it again")
    elif not turns.all:
        say(_NO_RUN)


async def _undo(turns: Turns, argument: str) -> None:
    say(f"taken back: {_short(turns.undo().question)}")


async def _clear(turns: Turns, argument: str) -> None:
    turns.clear()
    say("a new conversation begins; the one before is forgotten here")


async def _retry(turns: Turns, argument: str) -> int:
    return await turns.again()


async def _cost(turns: Turns, argument: str) -> None:
    if not turns.results:
        raise ConfigError(_NO_RUN)
    for line in spending_lines(turns.results):
        say(line)


async def _quit(turns: Turns, argument: str) -> None:
    raise Leave


COMMANDS = (
    Command("help", "", "What there is to say.", _help),
    Command("experts", "", "The seats, their models, and how their last replies ended.", _experts),
    Command("strategy", "[NAME [key=value …]]", "How it is decided; change it.", _strategy),
    Command("why", "", "Votes, ranking, rounds, dissent and failures of the last answer.", _why),
    Command("save", "[FILE]", "Write the conversation: Markdown, or JSON for .json.", _save),
    Command("history", "", "What was asked and answered.", _history),
    Command("undo", "", "Take the last question and its answer back.", _undo),
    Command("clear", "", "Begin anew.", _clear),
    Command(
        "retry", "", "Ask the last question again, by the strategy of now.", _retry, ("again",)
    ),
    Command("cost", "", "Tokens and dollars of this chat.", _cost),
    Command("quit", "", "Leave.", _quit, ("exit",)),
)
_BY_NAME = {name: each for each in COMMANDS for name in (each.name, *each.aliases)}
NAMES = tuple(_BY_NAME)
"""What may follow a slash."""
