"""The web application: its routes and its errors."""

from __future__ import annotations

from quart import Quart

from backend.api import failures
from backend.api.families import FAMILIES
from backend.registry import Registry


def create_app(registry: Registry) -> Quart:
    """Builds the application on a registry, which somebody else starts and closes."""
    app = Quart("backend", static_folder=None)
    app.url_map.strict_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = None  # ``api.body`` has the limit, and kinder manners
    app.config["RESPONSE_TIMEOUT"] = None  # a queued answer may take minutes to begin
    failures.register(app)
    for routes in FAMILIES:
        app.register_blueprint(routes(registry))
    return app
