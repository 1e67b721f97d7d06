"""``POST /v1/embeddings``."""

from __future__ import annotations

import base64
import math
import sys
from array import array

from quart import Blueprint, Response

from backend.api.body import parse_body
from backend.api.metering import charge
from backend.api.replies import json_reply
from backend.engine.embed_messages import Embedded
from backend.engine.messages import Loaded
from backend.errors import InvalidRequest
from backend.registry import Registry
from backend.schema.embeddings import Embedding, Embeddings, EmbeddingsRequest, EmbeddingsUsage


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("embeddings", __name__)

    @blueprint.post("/v1/embeddings")
    async def embed() -> Response:
        request = await parse_body(EmbeddingsRequest)
        model = registry.find(request.model)
        card = await model.supervisor.ready()
        refuse_dimensions(request, card)
        # The task ends here when the client leaves, and takes the request along.
        embedded = await model.supervisor.embed(request.input)
        charge(embedded.tokens)
        answer = Embeddings(
            data=to_data(embedded, request),
            model=model.id,
            usage=EmbeddingsUsage(prompt_tokens=embedded.tokens, total_tokens=embedded.tokens),
        )
        return json_reply(answer)

    return blueprint


def refuse_dimensions(request: EmbeddingsRequest, card: Loaded) -> None:
    """Refuses vectors that are longer than the model's.

    Raises:
        InvalidRequest: Naming both lengths.
    """
    if request.dimensions is not None and request.dimensions > card.width:
        raise InvalidRequest(
            f"dimensions must be at most {card.width}, the length of this model's vectors, not"
            f" {request.dimensions}.",
            param="dimensions",
        )


def to_data(embedded: Embedded, request: EmbeddingsRequest) -> list[Embedding]:
    """The vectors in the form that was asked for."""
    data = []
    for index, packed in enumerate(embedded.vectors):
        if request.encoding_format == "base64" and request.dimensions is None:
            data.append(Embedding(index=index, embedding=packed))
            continue
        vector = shortened(unpack(packed), request.dimensions)
        found = pack(vector) if request.encoding_format == "base64" else vector
        data.append(Embedding(index=index, embedding=found))
    return data


def shortened(vector: list[float], dimensions: int | None) -> list[float]:
    """The first numbers, brought to length 1 again."""
    if dimensions is None:
        return vector
    kept = vector[:dimensions]
    length = math.hypot(*kept) or 1.0
    return [number / length for number in kept]


def unpack(packed: str) -> list[float]:
    """The numbers in base64 of 32-bit floats, little endian."""
    numbers = array("f", base64.b64decode(packed))
    return _little_endian(numbers).tolist()


def pack(vector: list[float]) -> str:
    """Base64 of 32-bit floats, little endian."""
    return base64.b64encode(_little_endian(array("f", vector)).tobytes()).decode()


def _little_endian(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
