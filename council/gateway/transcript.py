"""`GET /v1/council/runs/ID/transcript`: a run as a file for people."""

from __future__ import annotations

import anyio.to_thread
from quart import Blueprint, Response, request

from council.gateway.document import as_markdown
from council.gateway.errors import InvalidRequest, RunNotOver
from council.gateway.page import SECURITY_HEADERS
from council.gateway.run_facts import About
from council.gateway.sheet import POLICY, as_html
from council.gateway.state import GatewayState
from serving.exchange import owner

_WRITERS = {
    "html": (as_html, "text/html; charset=utf-8"),
    "markdown": (as_markdown, "text/markdown; charset=utf-8"),
}


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("transcript", __name__)

    @blueprint.get("/v1/council/runs/<id>/transcript")
    async def transcript(id: str) -> Response:
        form = request.args.get("format", "markdown")
        if form not in _WRITERS:
            raise InvalidRequest(
                f"format must be html or markdown, not {form[:64]!r}.", param="format"
            )
        run = await state.runs.get(id, owner())
        if run.result is None:
            raise RunNotOver(
                "The run goes on: its transcript is there once it has ended.", param="id"
            )
        write, content_type = _WRITERS[form]
        # Long answers take long to read, and other runs go on meanwhile.
        text = await anyio.to_thread.run_sync(write, run.result, About(run.panel, run.created))
        response = Response(text, content_type=content_type)
        policy = f"{POLICY}; frame-ancestors 'none'"
        response.headers.update({**SECURITY_HEADERS, "Content-Security-Policy": policy})
        response.headers["Cache-Control"] = "private, no-cache"
        return response

    return blueprint
