"""A chat's answer as a stream of events."""

from __future__ import annotations

import json
from collections.abc import Sequence

from backend import sse
from backend.api.answers import AnswerStep, Finish
from backend.api.chunks import Chunks
from backend.api.logprobs import logprobs
from backend.chat.parts import CallArguments, CallBegun, Part, Reasoning, Text
from backend.engine.messages import Output
from backend.engine.sampling import TokenInfo
from backend.schema.completion import Chunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta


class ChatChunks(Chunks[ChunkChoice]):
    """The chunks of a chat's answer, as ``streams.Telling`` wants them."""

    def begin(self) -> str:
        """Who speaks, in each choice."""
        start = Delta(role="assistant", content="")
        return "".join(self.change(choice, start) for choice in range(self.answering.count))

    def output(self, choice: int, output: Output) -> str:
        """What is new in a choice."""
        if self.answering.plain and not output.finish:
            return self.text(choice, output.text)
        return self._step(self.answering.read(choice, output))

    def text(self, choice: int, text: str, field: str = "content") -> str:
        """The event of one token, of which there are thousands: as ``change``, for less."""
        said = json.dumps(text, ensure_ascii=False)
        delta = f'{{"index":{choice},"delta":{{"{field}":{said}}},"finish_reason":null}}'
        return sse.data(f"{self.opening}{delta}]}}")

    def change(
        self,
        choice: int,
        delta: Delta,
        reason: Finish | None = None,
        tokens: Sequence[TokenInfo] = (),
    ) -> str:
        """The event of what is new in a choice, with what is known of the tokens behind it."""
        added = ChunkChoice(index=choice, delta=delta, finish_reason=reason)
        if tokens:
            added.logprobs = logprobs(tokens)
        return self.event(added)

    def chunk(self, choices: Sequence[ChunkChoice]) -> Chunk:
        """A chunk with what is new in some choices."""
        return Chunk(**self.head.fields("chat.completion.chunk"), choices=list(choices))

    def _step(self, step: AnswerStep) -> str:
        """The events of one step; what is known of its tokens goes with the first."""
        found = []
        tokens = step.tokens
        for part in step.parts:
            if isinstance(part, Text) and not tokens:
                found.append(self.text(step.choice, part.text))
            elif isinstance(part, Reasoning) and not tokens:
                found.append(self.text(step.choice, part.text, "reasoning_content"))
            else:
                found.append(self.change(step.choice, _delta(part), tokens=tokens))
            tokens = ()
        if tokens:
            found.append(self.change(step.choice, Delta(content=""), tokens=tokens))
        if step.finish:
            found.append(self.change(step.choice, Delta(), step.finish))
        return "".join(found)


def _delta(part: Part) -> Delta:
    match part:
        case Text():
            return Delta(content=part.text)
        case Reasoning():
            return Delta(reasoning_content=part.text)
        case CallBegun():
            begun = FunctionDelta(name=part.name, arguments="")
            call = ToolCallDelta(index=part.index, id=part.id, type="function", function=begun)
            return Delta(tool_calls=[call])
        case CallArguments():
            more = FunctionDelta(arguments=part.text)
            return Delta(tool_calls=[ToolCallDelta(index=part.index, function=more)])
