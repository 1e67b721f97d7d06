"""The form that a run's answer has to have, and how experts are told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from pydantic import BaseModel

from council.messages import ChatMessage, ChatRequest, Json

SENTENCE = "Answer with JSON alone, which has to fit this JSON schema: {schema}"

_STAGES = ("answer", "synthesis", "repair")


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """A JSON schema for the answers of a run.

    Attributes:
        name: What servers are told that it is called.
        schema: The schema.
        model: The pydantic model that it is from, if any: answers become instances of it.
    """

    name: str
    schema: Json
    model: type[BaseModel] | None = None

    @property
    def response_format(self) -> Json:
        """The field of a request that makes a server keep to it."""
        described = {"name": self.name, "schema": dict(self.schema)}
        return {"type": "json_schema", "json_schema": described}

    @property
    def sentence(self) -> str:
        """The same in words, for models whose server cannot be made to keep to it."""
        return SENTENCE.format(schema=json.dumps(self.schema, ensure_ascii=False))

    def told(self, messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The conversation with the sentence at its end, unless it is there already."""
        *before, last = messages
        if self.sentence in last.text:
            return messages
        return (*before, last.with_suffix(f"\n\n{self.sentence}"))

    def shaped(self, request: ChatRequest, stage: str, *, takes_schema: bool) -> ChatRequest:
        """The request with the form in it, where its answer may become the panel's."""
        if stage not in _STAGES and not stage.startswith("round-"):
            return request
        if takes_schema:
            return replace(request, response_format=self.response_format)
        return replace(request, messages=self.told(request.messages))
