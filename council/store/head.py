"""What is known of a run when it begins, gathered for the record."""

from __future__ import annotations

from council.config import PanelConfig
from council.expert import Expert
from council.limits import RunLimits
from council.messages import ChatMessage
from council.place import Place
from council.store.panel_record import FormRecord, PanelRecord
from council.store.records import Head
from council.store.secrets import environment_secrets, public_config, secrets_of
from council.store.tape import Tape
from council.strategies import Strategy
from council.ticket import Ticket


def head_of(
    messages: tuple[ChatMessage, ...],
    panel: tuple[tuple[Expert, ...], tuple[Expert, ...]],
    strategy: Strategy,
    limits: RunLimits,
    config: PanelConfig | None,
    source: str,
    tape: Tape | None,
    form: FormRecord | None = None,
    place: Place | None = None,
    ticket: Ticket | None = None,
) -> Head:
    """The head of a run.

    Args:
        messages: What is asked.
        panel: The experts and the writers.
        strategy: How it is decided.
        limits: The run's limits.
        config: The panel file's content, where there is one.
        source: The panel file's path, or nothing.
        tape: What the run goes back to, if anything.
        form: What answers have to look like, if they have to.
        place: Where the run stands in a conversation, if it does.
        ticket: Whose run it is, where somebody has said so.
    """
    return Head(
        conversation=messages,
        panel=PanelRecord.of(*panel, form),
        strategy=strategy.name,
        # All of them: a default that changes later must not change a run that is gone back to.
        options=strategy.model_dump(mode="json", by_alias=True, fallback=str),
        limits=limits,
        source=source,
        config=public_config(config) if config else {},
        secrets=_secrets(config, any(expert.tools for expert in panel[0])),
        origin=tape.origin if tape else "run",
        parent=tape.run if tape else "",
        place=place,
        owner=ticket.owner if ticket else "",
    )


def _secrets(config: PanelConfig | None, with_tools: bool) -> tuple[str, ...]:
    known = secrets_of(config)
    # What a tool reads in the environment may come back in an answer.
    return (*known, *environment_secrets()) if with_tools else known
