"""A response and its items as they are written, with the events that tell of it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from backend import sse
from backend.api.answers import Answering, Ask
from backend.api.logprobs import logprobs
from backend.chat.parts import CallArguments, CallBegun, Part, Reasoning, Text
from backend.engine.sampling import TokenInfo
from backend.errors import ApiError
from backend.schema.completion import TokenLogprob
from backend.schema.response import (
    IncompleteDetails,
    InputDetails,
    ItemStatus,
    OutputCall,
    OutputDetails,
    OutputItem,
    OutputMessage,
    OutputReasoning,
    OutputText,
    ReasoningText,
    ResponseFailure,
    ResponseObject,
    ResponseUsage,
)
from backend.schema.responses import ResponsesRequest


def opening(request: ResponsesRequest, ask: Ask, model: str) -> ResponseObject:
    """The response before anything is written."""
    reasoning = request.reasoning
    return ResponseObject(
        id=_id("resp"),
        created_at=int(time.time()),
        instructions=request.instructions,
        max_output_tokens=request.max_output_tokens,
        metadata=request.metadata or {},
        model=model,
        parallel_tool_calls=ask.wanted.parallel,
        reasoning={"effort": reasoning.effort if reasoning else None, "summary": None},
        temperature=ask.sampling.temperature,
        text={"format": _format(request), "verbosity": "medium"},
        tool_choice=_dump(request.tool_choice or "auto"),
        tools=[_dump(tool) for tool in request.tools or ()],
        top_logprobs=ask.logprobs or 0,
        top_p=ask.sampling.top_p,
        user=request.user,
    )


def _format(request: ResponsesRequest) -> dict[str, Any]:
    form = request.text.format if request.text else None
    if form is None:
        return {"type": "text"}
    return form.model_dump(by_alias=True, exclude_unset=True)


def _dump(value: str | BaseModel) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(16)}"


class Writing:
    """A response that is being written; one item is open at a time.

    Each method returns the events of what it did.

    Attributes:
        response: As it is now; the open item has its text when it is closed.
    """

    def __init__(self, response: ResponseObject) -> None:
        """Takes a response without items."""
        self.response = response
        self._number = 0
        self._open: OutputItem | None = None
        self._texts: list[str] = []
        self._tokens: list[TokenLogprob] = []
        self._waiting: list[TokenInfo] = []

    def begin(self) -> str:
        """Says that there is a response, and that it is being written."""
        return self._lifecycle("created") + self._lifecycle("in_progress")

    def step(self, parts: Iterable[Part], tokens: Sequence[TokenInfo] = ()) -> str:
        """Takes what is new; tokens go with the text that comes next."""
        self._waiting += tokens
        return "".join([self._part(part) for part in parts])

    def text(self, text: str) -> str:
        """Takes text, of which there are thousands of pieces."""
        begun = "" if isinstance(self._open, OutputMessage) else self._begin(Text(text))
        self._texts.append(text)
        told = self._tell()
        said = json.dumps(text, ensure_ascii=False)
        return begun + self._delta("output_text", said, f',"content_index":0,"logprobs":{told}')

    def finish(self, answering: Answering, *, cut: bool) -> str:
        """Ends the response; ``cut`` where a limit did."""
        begun = "" if self.response.output else self._begin(Text(""))
        closed = begun + self._close("incomplete" if cut else "completed")
        response = self.response
        response.status = "incomplete" if cut else "completed"
        response.incomplete_details = IncompleteDetails() if cut else None
        response.completed_at = None if cut else int(time.time())
        response.usage = _usage(answering)
        return closed + self._lifecycle(response.status)

    def fail(self, error: ApiError) -> str:
        """Ends the response with an error."""
        closed = self._close("incomplete")
        self.response.status = "failed"
        self.response.error = ResponseFailure(code="server_error", message=error.message)
        return closed + self._lifecycle("failed")

    def _part(self, part: Part) -> str:
        if isinstance(part, Text):
            return self.text(part.text)
        self._waiting.clear()
        match part:
            case Reasoning():
                begun = "" if isinstance(self._open, OutputReasoning) else self._begin(part)
                self._texts.append(part.text)
                return begun + self._delta("reasoning_text", json.dumps(part.text), _CONTENT)
            case CallBegun():
                return self._begin(part)
            case CallArguments():
                self._texts.append(part.text)
                return self._delta("function_call_arguments", json.dumps(part.text))

    def _begin(self, part: Text | Reasoning | CallBegun) -> str:
        before = self._close("completed")
        item = _new_item(part)
        self._open = item
        self.response.output.append(item)
        added = self._event("output_item.added", item=item.model_dump())
        if isinstance(item, OutputCall):
            return before + added
        content = OutputText() if isinstance(item, OutputMessage) else ReasoningText()
        part_added = self._event("content_part.added", **self._content(content))
        return before + added + part_added

    def _close(self, status: ItemStatus) -> str:
        item, text = self._open, "".join(self._texts)
        if item is None:
            return ""
        item.status = status
        if isinstance(item, OutputCall):
            done = self._close_call(item, text)
        else:
            done = self._close_text(item, text)
        done += self._event("output_item.done", item=item.model_dump())
        self._open = None
        self._texts, self._tokens = [], []
        return done

    def _close_call(self, call: OutputCall, arguments: str) -> str:
        call.arguments = arguments
        return self._event("function_call_arguments.done", item_id=call.id, arguments=arguments)

    def _close_text(self, item: OutputMessage | OutputReasoning, text: str) -> str:
        content: OutputText | ReasoningText
        fields: dict[str, Any] = {"text": text}
        if isinstance(item, OutputMessage):
            self._tell()
            content = OutputText(text=text, logprobs=self._tokens)
            item.content = [content]
            fields["logprobs"] = [token.model_dump() for token in self._tokens]
            kind = "output_text"
        else:
            content = ReasoningText(text=text)
            item.content = [content]
            kind = "reasoning_text"
        done = self._event(f"{kind}.done", item_id=item.id, content_index=0, **fields)
        return done + self._event("content_part.done", **self._content(content))

    def _content(self, content: BaseModel) -> dict[str, Any]:
        assert self._open is not None
        return {"item_id": self._open.id, "content_index": 0, "part": content.model_dump()}

    def _tell(self) -> str:
        """What is known of the tokens since the last text, as JSON."""
        if not self._waiting:
            return "[]"
        found = logprobs(self._waiting).content
        self._waiting = []
        self._tokens += found
        return json.dumps([token.model_dump() for token in found], ensure_ascii=False)

    def _delta(self, kind: str, said: str, more: str = "") -> str:
        assert self._open is not None
        return self._named(
            f"{kind}.delta",
            f'"item_id":"{self._open.id}","output_index":{len(self.response.output) - 1}'
            f',"delta":{said}{more}',
        )

    def _event(self, name: str, **fields: Any) -> str:
        """An event about the open item."""
        place = {"output_index": len(self.response.output) - 1, **fields}
        return self._named(name, json.dumps(place, ensure_ascii=False)[1:-1])

    def _lifecycle(self, name: str) -> str:
        return self._named(name, f'"response":{self.response.model_dump_json()}')

    def _named(self, name: str, fields: str) -> str:
        number = self._number
        self._number += 1
        event = f'{{"type":"response.{name}","sequence_number":{number},{fields}}}'
        return sse.named(f"response.{name}", event)


_CONTENT = ',"content_index":0'


def _new_item(part: Text | Reasoning | CallBegun) -> OutputItem:
    match part:
        case Text():
            return OutputMessage(id=_id("msg"))
        case Reasoning():
            return OutputReasoning(id=_id("rs"))
        case CallBegun():
            return OutputCall(id=_id("fc"), call_id=part.id, name=part.name)


def _usage(answering: Answering) -> ResponseUsage:
    return ResponseUsage(
        input_tokens=answering.prompt_tokens,
        input_tokens_details=InputDetails(cached_tokens=answering.cached_tokens),
        output_tokens=answering.generated,
        output_tokens_details=OutputDetails(reasoning_tokens=answering.reasoning_tokens),
        total_tokens=answering.prompt_tokens + answering.generated,
    )
