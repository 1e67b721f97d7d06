"""What a model is given: ``POST /tokenize``, ``/detokenize`` and ``/apply-template``."""

from __future__ import annotations

from collections.abc import Sequence

from quart import Blueprint, Response

from backend.api.body import parse_body
from backend.api.plans import check_chats, check_tokens, prepared, whole
from backend.api.prompts import refuse_unsupported, schema_field, to_wanted
from backend.api.replies import json_reply
from backend.chat.wanted import Wanted
from backend.engine.vocabulary_messages import Detokenize, Detokenized, Tokenize, Tokenized
from backend.registry import Model, Registry
from backend.schema.chat import ChatRequest
from backend.schema.tokens import (
    AppliedTemplate,
    DetokenizedText,
    DetokenizeRequest,
    TokenizeRequest,
    TokenPiece,
    Tokens,
)


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("tokens", __name__)

    @blueprint.post("/tokenize")
    async def tokenize() -> Response:
        request = await parse_body(TokenizeRequest)
        found = await _tokenize(registry.find(request.model), request)
        return json_reply(_to_tokens(found, with_pieces=request.with_pieces))

    @blueprint.post("/detokenize")
    async def detokenize() -> Response:
        request = await parse_body(DetokenizeRequest)
        text = await text_of(registry.find(request.model), request.tokens)
        return json_reply(DetokenizedText(content=text))

    @blueprint.post("/apply-template")
    async def apply_template() -> Response:
        request = await parse_body(ChatRequest)
        refuse_unsupported(request)
        model = registry.find(request.model)
        card = await model.supervisor.ready()
        check_chats(card)
        found = prepared(card, to_wanted(request), schema_field(request), exact=True)
        return json_reply(AppliedTemplate(prompt=whole(found.prompt)))

    return blueprint


async def count(model: Model, wanted: Wanted) -> int:
    """How many tokens a conversation has when it is given to a model.

    Raises:
        ApiError: The model is not there, or cannot take it.
    """
    card = await model.supervisor.ready()
    check_chats(card)
    prompt = whole(prepared(card, wanted).prompt)
    found = await model.supervisor.look_up(lambda number: Tokenize(number, prompt))
    assert isinstance(found, Tokenized)
    return len(found.tokens)


async def text_of(model: Model, tokens: Sequence[int], param: str = "tokens") -> str:
    """The text of tokens, special ones written out.

    Raises:
        ApiError: The model is not there, or one is no token; ``param`` is where they stand.
    """
    check_tokens(tokens, await model.supervisor.ready(), param)
    found = await model.supervisor.look_up(lambda number: Detokenize(number, tuple(tokens)))
    assert isinstance(found, Detokenized)
    return found.text


async def _tokenize(model: Model, request: TokenizeRequest) -> Tokenized:
    await model.supervisor.ready()
    found = await model.supervisor.look_up(
        lambda number: Tokenize(
            number,
            request.content,
            request.add_special,
            request.parse_special,
            request.with_pieces,
        )
    )
    assert isinstance(found, Tokenized)
    return found


def _to_tokens(found: Tokenized, *, with_pieces: bool) -> Tokens:
    if not with_pieces:
        return Tokens(tokens=list(found.tokens))
    pairs = zip(found.tokens, found.pieces, strict=True)
    return Tokens(tokens=[TokenPiece(id=token, piece=_piece(piece)) for token, piece in pairs])


def _piece(piece: str) -> str | list[int]:
    raw = piece.encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return list(raw)
