"""The web application: its routes and its errors."""

from __future__ import annotations

from quart import Quart

from backend.api import failures
from backend.api.families import FAMILIES
from backend.registry import Registry
from serving.gate import Gate


def create_app(registry: Registry, gate: Gate) -> Quart:
    """Builds the application on a registry, which somebody else starts and closes.

    Args:
        registry: The models.
        gate: What stands in front of all routes.
    """
    app = Quart("backend", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # no redirects: a path is a route, or it is none
    app.config["MAX_CONTENT_LENGTH"] = None  # ``serving.body`` has the limit, and kinder manners
    app.config["RESPONSE_TIMEOUT"] = None  # a queued answer may take minutes to begin
    failures.register(app)
    for routes in FAMILIES:
        app.register_blueprint(routes(registry))
    gate.install(app)
    return app
