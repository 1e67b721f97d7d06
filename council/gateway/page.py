"""The page that people ask on: `/` and `/assets/…`, files that need nothing from elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from quart import Blueprint, Response, request

from council.gateway.errors import RouteError
from council.gateway.state import GatewayState

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_INDEX = "index.html"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every document of the gateway tells browsers, besides its own policy."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page, as it is sent."""

    body: bytes
    content_type: str
    tag: str


def _read_assets() -> dict[str, Asset]:
    """The page's files, by their names."""
    found = {}
    for file in files("council.gateway").joinpath("page").iterdir():
        suffix = f".{file.name.rpartition('.')[2]}"
        if suffix in _TYPES:
            body = file.read_bytes()
            found[file.name] = Asset(body, _TYPES[suffix], hashlib.sha256(body).hexdigest()[:32])
    return found


ASSETS = _read_assets()
OPEN_PATHS = frozenset({"/", *(f"/assets/{name}" for name in ASSETS if name != _INDEX)})
"""What a browser gets without a key: the page asks for one when the gateway's API wants it."""


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("page", __name__)

    @blueprint.get("/")
    async def index() -> Response:
        return _reply(ASSETS[_INDEX])

    @blueprint.get("/assets/<name>")
    async def asset(name: str) -> Response:
        if name not in ASSETS or name == _INDEX:
            raise RouteError(404, "There is no such file.", {})
        return _reply(ASSETS[name])

    return blueprint


def _reply(asset: Asset) -> Response:
    """A file, or nothing where the browser has it already."""
    response = Response(asset.body, content_type=asset.content_type)
    response.headers.update({**SECURITY_HEADERS, "Content-Security-Policy": _POLICY})
    # Names stay the same from release to release, so browsers have to ask; that costs no body.
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(asset.tag)
    if request.if_none_match.contains(asset.tag):
        response.status_code = 304
        response.set_data(b"")
    return response
