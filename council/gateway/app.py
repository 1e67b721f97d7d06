"""The web application: its routes, its errors, and the guard against panels that ask themselves."""

from __future__ import annotations

from quart import Quart
from quart.globals import request_ctx

from council.agents.via import HEADER, parse_via, via
from council.gateway import failures
from council.gateway.families import FAMILIES
from council.gateway.state import GatewayState
from council.telemetry.incoming import join_trace
from serving.gate import Gate


def create_app(state: GatewayState, gate: Gate) -> Quart:
    """Builds the application on a state, which somebody else opens and closes.

    Args:
        state: What is served.
        gate: What stands in front of all routes.
    """
    app = Quart("council.gateway", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # no redirects: a path is a route, or it is none
    app.config["MAX_CONTENT_LENGTH"] = None  # ``serving.body`` has the limit, and kinder manners
    app.config["RESPONSE_TIMEOUT"] = None  # a run may take minutes to begin
    failures.register(app)
    for routes in FAMILIES:
        app.register_blueprint(routes(state))
    gate.install(app)
    app.before_request(_note_gateways)
    return app


async def _note_gateways() -> None:
    """Notes which gateways a request has come through; `Runs.start` looks at them."""
    via.set(parse_via(request_ctx.request.headers.get(HEADER)))
    join_trace(request_ctx.request.headers)
