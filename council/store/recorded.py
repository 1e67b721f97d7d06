"""An agent whose replies are kept, and taken from the record where they are there already."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import anyio.lowlevel

from council.agents.around import AgentAround
from council.agents.base import Agent
from council.errors import AgentError
from council.expert import Expert
from council.messages import ChatRequest, ChatToken, Notice
from council.store.gathered import gathered
from council.store.recording import Recording
from council.store.records import RecordedReply
from council.store.tape import Tape

# So many tokens are kept apart before they are joined: a long reply must not be held twice over.
_FOLD = 4096


def recorded(
    experts: Sequence[Expert], recording: Recording | None, tape: Tape | None
) -> tuple[Expert, ...]:
    """The same experts with the record around their agents.

    Args:
        experts: Who is asked.
        recording: Where requests and replies go, if anywhere.
        tape: Replies to give instead of asking, if there are any.
    """
    if recording is None and tape is None:
        return tuple(experts)
    return tuple(
        replace(expert, agent=Recorded(expert.agent, expert.id, recording, tape))
        for expert in experts
    )


class Recorded(AgentAround):
    """An agent with the record around it.

    Args:
        agent: Who answers what the record does not hold.
        expert: The expert's id.
        recording: Where requests and replies go, if anywhere.
        tape: Replies to give instead of asking, if there are any.
    """

    def __init__(
        self, agent: Agent, expert: str, recording: Recording | None, tape: Tape | None
    ) -> None:
        super().__init__(agent)
        self._expert = expert
        self._recording = recording
        self._tape = tape

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams the reply, from the record or from the agent; errors as the agent's."""
        keep = _Keep(self._recording, self._expert, request)
        tokens = keep.tokens
        try:
            async with aclosing(self._source(request)) as source:
                async for token in source:
                    tokens.append(token)
                    if len(tokens) > _FOLD:
                        tokens[:] = gathered(tokens)
                    yield token
        except AgentError as error:
            keep.failed(error)
            raise
        except Exception as error:
            # A plug-in's defect, in the words that the run has for it.
            keep.failed(AgentError(f"{type(error).__name__}: {error}"))
            raise
        except BaseException:
            # Cancelled, or nobody reads on: a reply that had said that it is finished counts.
            keep.cut()
            raise
        keep.whole()

    def _source(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        if self._tape is None:
            return self._agent.chat(request)
        reply = self._tape.take(self._expert, request)
        if reply is not None:
            return _replayed(reply, self._tape.asked)
        if self._tape.live:
            return self._agent.chat(request)
        return _missing(self._tape, self._expert)


class _Keep:
    """One reply on its way into the record; keeps nothing where there is no recording."""

    def __init__(self, recording: Recording | None, expert: str, request: ChatRequest) -> None:
        self.tokens: list[ChatToken] = []
        self._recording = recording
        self._number = recording.sent(expert, request) if recording else 0

    def whole(self) -> None:
        if self._recording:
            self._recording.whole(self._number, self.tokens)

    def failed(self, error: AgentError) -> None:
        if self._recording:
            self._recording.failed(self._number, error)

    def cut(self) -> None:
        if any(token.finish_reason for token in self.tokens):
            self.whole()


async def _replayed(reply: RecordedReply, run: str) -> AsyncGenerator[ChatToken, None]:
    yield ChatToken(notice=Notice("recorded", f"from the record of run {run[:8]}"))
    if not reply.tokens:
        cause = reply.failure.message if reply.failure else "it was not finished then"
        raise AgentError(f"in the record of run {run[:8]} this reply failed: {cause}")
    for token in reply.tokens:
        yield token


async def _missing(tape: Tape, expert: str) -> AsyncGenerator[ChatToken, None]:
    tape.miss(expert)
    # Where a miss ends the run, it ends here.
    await anyio.lowlevel.checkpoint()
    raise AgentError(f"the record of run {tape.run[:8]} holds no reply of {expert} to this")
    yield ChatToken()  # makes this a generator
