"""Texts that are continued, as a stream of events."""

from __future__ import annotations

import json
from collections.abc import Sequence

from backend import sse
from backend.api.answers import Answering
from backend.api.chunks import Chunks, Head
from backend.api.logprobs import text_logprobs
from backend.engine.messages import Output
from backend.schema.text_completion import FinishReason, TextChoice, TextCompletion


class TextChunks(Chunks[TextChoice]):
    """The chunks of texts, as ``streams.Telling`` wants them."""

    def __init__(
        self, answering: Answering, head: Head, echoes: Sequence[str], *, with_usage: bool
    ) -> None:
        """Takes an answer of which nothing is told yet, and what each choice begins with."""
        super().__init__(answering, head, with_usage=with_usage)
        self._echoes = echoes
        self._lengths = [0] * answering.count  # of what has logprobs, in characters

    def begin(self) -> str:
        """The prompts that are wanted back."""
        return "".join(self.text(at, echo) for at, echo in enumerate(self._echoes) if echo)

    def output(self, choice: int, output: Output) -> str:
        """What is new in a choice."""
        if self.answering.plain and not output.finish:
            return self.text(choice, output.text)
        return self._output(choice, output)

    def text(self, choice: int, text: str) -> str:
        """The event of one token, of which there are thousands: as ``event``, for less."""
        said = json.dumps(text, ensure_ascii=False)
        added = f'{{"text":{said},"index":{choice},"logprobs":null,"finish_reason":null}}'
        return sse.data(f"{self.opening}{added}]}}")

    def chunk(self, choices: Sequence[TextChoice]) -> TextCompletion:
        """A chunk with what is new in some choices."""
        return TextCompletion(**self.head.fields("text_completion"), choices=list(choices))

    def _output(self, choice: int, output: Output) -> str:
        known = None
        if output.tokens:
            known = text_logprobs(output.tokens, self._lengths[choice])
            self._lengths[choice] += sum(map(len, known.tokens))
        events = ""
        if output.text or known:
            added = TextChoice(text=output.text, index=choice, logprobs=known, finish_reason=None)
            events = self.event(added)
        if output.finish:
            events += self._end(choice, "length" if output.finish == "length" else "stop")
        return events

    def _end(self, choice: int, reason: FinishReason) -> str:
        ended = TextChoice(text="", index=choice, logprobs=None, finish_reason=reason)
        return self.event(ended)
