"""A hub on this machine: the few routes that pulling a model needs, files with ranges."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]


@dataclass
class Hub:
    """What is on the hub, how it misbehaves, and what it was asked.

    Attributes:
        files: The content of each file, by `owner/name/path`.
        small: Of these, the ones that are in Git itself and have no SHA-256.
        gated: Repositories whose files need the token.
        token: What opens them.
        cut_after: Bytes of content after which a connection breaks off, one for each that does.
        ignores_ranges: Whole files come, whatever part was asked for.
        damaged: Another content of the same length comes.
        held: Set to let the content go on after its first byte; None never holds it up.
        asked: All requests.
    """

    url: str = ""
    store: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    small: set[str] = field(default_factory=set)
    gated: set[str] = field(default_factory=set)
    token: str = "hf_test"
    cut_after: list[int] = field(default_factory=list)
    ignores_ranges: bool = False
    damaged: bool = False
    held: threading.Event | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    asked: list[Asked] = field(default_factory=list)

    def to_store(self) -> list[Asked]:
        """The requests for content."""
        return [one for one in self.asked if one.path.startswith("/content/")]


@contextmanager
def hub_running(**state: object) -> Iterator[Hub]:
    """A hub for the length of the block, whose content has a host name of its own."""
    hub = Hub(**state)  # type: ignore[arg-type]
    server = _Server(hub)
    port = server.server_address[1]
    hub.url, hub.store = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        if hub.held is not None:
            hub.held.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.hub.asked.append(Asked(self.path, headers))
        parts = urlsplit(self.path)
        words = [unquote(word) for word in parts.path.strip("/").split("/")]
        if words[:2] == ["api", "models"] and len(words) == 2:
            self._search(parse_qs(parts.query)["search"][0])
        elif words[:2] == ["api", "models"]:
            self._about("/".join(words[2:4]), words[5] if len(words) > 5 else "main")
        elif words[0] == "content":
            self._content("/".join(words[1:]))
        else:
            self._resolve("/".join(words[:2]), "/".join(words[4:]))

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def _search(self, text: str) -> None:
        names = {"/".join(path.split("/")[:2]) for path in self.server.hub.files}
        hits = [{"id": name} for name in sorted(names) if text[:3].lower() in name.lower()]
        self._json(hits)

    def _about(self, repo: str, revision: str) -> None:
        paths = [path for path in self.server.hub.files if path.startswith(f"{repo}/")]
        if not paths:
            self._json({"error": "Repository not found"}, 404, code="RepoNotFound")
        elif revision not in ("main", COMMIT):
            self._json({"error": "no revision"}, 404, code="RevisionNotFound")
        else:
            siblings = [_sibling(self.server.hub, path) for path in paths]
            self._json({"id": repo, "sha": COMMIT, "siblings": siblings})

    def _resolve(self, repo: str, path: str) -> None:
        if (
            repo in self.server.hub.gated
            and self.headers.get("Authorization") != f"Bearer {self.server.hub.token}"
        ):
            self._json({"error": "gated"}, 403, code="GatedRepo")
        elif f"{repo}/{path}" not in self.server.hub.files:
            self._json({"error": "no entry"}, 404, code="EntryNotFound")
        else:
            self.send_response(302)
            self.send_header("Location", f"{self.server.hub.store}/content/{repo}/{path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _content(self, path: str) -> None:
        content = (
            self.server.hub.files[path][::-1]
            if self.server.hub.damaged
            else self.server.hub.files[path]
        )
        begin = 0
        asked = self.headers.get("Range")
        if asked and not self.server.hub.ignores_ranges:
            begin = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        self._send(content[begin:])

    def _send(self, rest: bytes) -> None:
        if self.server.hub.held is not None:
            self.wfile.write(rest[: len(rest) // 2])
            self.wfile.flush()
            self.server.hub.begun.set()
            self.server.hub.held.wait()
            rest = rest[len(rest) // 2 :]
        if self.server.hub.cut_after:
            self.wfile.write(rest[: self.server.hub.cut_after.pop(0)])
            self.close_connection = True
            return
        self.wfile.write(rest)

    def _json(self, value: object, status: int = 200, code: str = "") -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        self.wfile.write(body)


def _sibling(hub: Hub, path: str) -> dict[str, object]:
    content = hub.files[path]
    blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    about: dict[str, object] = {
        "rfilename": path.split("/", 2)[2],
        "size": len(content),
        "blobId": blob,
    }
    if path not in hub.small:
        sha256 = hashlib.sha256(content).hexdigest()
        about["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 134}
    return about
