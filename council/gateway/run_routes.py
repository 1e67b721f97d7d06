"""`/v1/council/runs`: runs are started, listed, looked at, stopped and deleted."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from council.gateway.body import parse_body
from council.gateway.errors import InvalidRequest
from council.gateway.fields import known_strategy
from council.gateway.history import list_runs
from council.gateway.kept_run import KeptRun
from council.gateway.live_run import LiveRun
from council.gateway.replies import json_reply
from council.gateway.run_events import events_reply
from council.gateway.schema import Deleted, RunRequest, RunStarted, RunView
from council.gateway.state import GatewayState
from council.sources import AskOptions, Question
from serving.exchange import owner

_MOST_LISTED = 200


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("runs", __name__)

    @blueprint.post("/v1/council/runs")
    async def start() -> Response:
        wanted = await parse_body(RunRequest)
        panel = state.panels.find(_panel_name(state, wanted))
        run = await state.runs.start(
            panel, _question(wanted), _options(wanted), owner=owner(), after=wanted.after
        )
        if wanted.stream or "text/event-stream" in request.headers.get("Accept", ""):
            return events_reply(run)
        return json_reply(_started(run), 201, {"x-council-run": run.id})

    @blueprint.get("/v1/council/runs")
    async def listed() -> Response:
        limit = _limit(request.args.get("limit"))
        return json_reply(await list_runs(state, owner(), limit, request.args.get("before")))

    @blueprint.get("/v1/council/runs/<id>")
    async def one(id: str) -> Response:
        return json_reply(_view(await state.runs.get(id, owner())))

    @blueprint.post("/v1/council/runs/<id>/cancel")
    async def cancel(id: str) -> Response:
        run = await state.runs.get(id, owner())
        run.cancel()
        if isinstance(run, LiveRun):
            await run.over.wait()
        return json_reply(_view(run))

    @blueprint.delete("/v1/council/runs/<id>")
    async def delete(id: str) -> Response:
        await state.runs.delete(id, owner())
        return json_reply(Deleted(id=id))

    return blueprint


def _panel_name(state: GatewayState, wanted: RunRequest) -> str:
    if wanted.panel is not None:
        return wanted.panel
    names = state.panels.names
    if len(names) > 1:
        raise InvalidRequest(f"panel is missing: there are {', '.join(names)}.", param="panel")
    return names[0]


def _question(wanted: RunRequest) -> Question:
    if (wanted.question is None) == (wanted.messages is None):
        raise InvalidRequest("Give either question, a text, or messages.", param="question")
    if wanted.question is not None:
        return wanted.question
    return [message.model_dump() for message in wanted.messages or ()]


def _options(wanted: RunRequest) -> AskOptions:
    options: AskOptions = {
        "seed": wanted.seed,
        "deadline": wanted.deadline,
        "max_total_tokens": wanted.max_total_tokens,
        "max_cost": wanted.max_cost,
        "response_format": wanted.response_format,
    }
    if wanted.strategy is not None:
        options["strategy"] = known_strategy(wanted.strategy, "strategy")
    return options


def _limit(text: str | None) -> int:
    if text is None:
        return 50
    digits = text.lstrip("0")
    if not (digits.isascii() and digits.isdecimal()):
        raise InvalidRequest("limit must be a whole number above 0.", param="limit")
    # Cut first: Python refuses to read thousands of digits.
    return min(int(digits[:9]), _MOST_LISTED)


def _started(run: LiveRun) -> RunStarted:
    return RunStarted(
        id=run.id,
        panel=run.panel,
        status=run.status,
        created=run.created,
        events=f"/v1/council/runs/{run.id}/events",
    )


def _view(run: LiveRun | KeptRun) -> RunView:
    result: dict[str, Any] | None = run.result.to_dict() if run.result else None
    return RunView(
        id=run.id,
        panel=run.panel,
        status=run.status,
        created=run.created,
        question=run.question,
        strategy=run.strategy,
        events=run.count,
        result=result,
    )
