"""The page's files as they are served: what browsers are told, and what the files may not do."""

from __future__ import annotations

import re

import pytest

from council.agents.scripted import ScriptedAgent
from council.gateway.page import ASSETS, OPEN_PATHS
from council.sources import PanelSource
from serving.keys import parse_keys
from serving.options import Options
from tests.gateway.serving import gateway

pytestmark = pytest.mark.anyio
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SCRIPTS = sorted(name for name in ASSETS if name.endswith(".js"))
# What makes markup or code of text, and what a strict policy would forbid anyway.
_FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser"
    r"|localStorage|srcdoc|setAttribute\(\"style\"|[\"']https?://"
)
_IMPORT = re.compile(r'^import .*?from "(.+?)";', re.MULTILINE)


def panel() -> dict[str, PanelSource]:
    return {"panel": [ScriptedAgent("ada", "42")]}


@pytest.mark.parametrize("path", ["/", "/assets/app.css", "/assets/main.js", "/assets/icon.svg"])
async def test_every_file_has_the_policy_and_is_asked_for_again(path: str) -> None:
    async with gateway(panel()) as site, site.client() as web:
        found = await web.get(path)
        assert found.status_code == 200
        assert found.headers["content-security-policy"] == _POLICY
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["referrer-policy"] == "no-referrer"
        assert found.headers["cache-control"] == "no-cache"
        tag = found.headers["etag"]
        again = await web.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert (await web.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
        head = await web.head(path)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        *("/assets/", "/assets/nothing.js", "/assets/index.html", "/assets/../page.py"),
        *("/assets/%2e%2e/page.py", "/assets/..%2fpage.py", "/assets/app.css%00", "/index.html"),
    ],
)
async def test_nothing_else_is_a_file(path: str) -> None:
    async with gateway(panel()) as site, site.client() as web:
        found = await web.get(path)
        assert found.status_code == 404
        assert found.json()["error"]["type"] == "invalid_request_error"


async def test_the_page_needs_no_key_and_all_else_does() -> None:
    options = Options(keys=parse_keys(["secret-key"], "--api-key"))
    async with gateway(panel(), serving=options) as site, site.client() as web:
        for path in sorted(OPEN_PATHS):
            assert (await web.get(path)).status_code == 200, path
        for path in ("/v1/council/panels", "/v1/council/runs", "/assets/nothing.js"):
            assert (await web.get(path)).status_code == 401, path


@pytest.mark.parametrize("name", _SCRIPTS)
def test_scripts_are_small_and_make_no_markup_of_text(name: str) -> None:
    text = ASSETS[name].body.decode()
    assert text.count("\n") < 300
    assert text.startswith("/**"), "it does not say what it is"
    assert _FORBIDDEN.findall(text) == []
    for imported in _IMPORT.findall(text):
        assert imported.startswith("./"), imported
        assert imported[2:] in ASSETS, imported


def test_the_document_has_no_inline_script_or_style() -> None:
    text = ASSETS["index.html"].body.decode()
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text) == []
    for name in re.findall(r'(?:src|href)="assets/(.+?)"', text):
        assert name in ASSETS, name
    assert re.findall(r"url\(|@import", ASSETS["app.css"].body.decode()) == []


def test_every_script_is_reached() -> None:
    reached, ahead = set[str](), ["main.js"]
    while ahead:
        reached.add(name := ahead.pop())
        found = {each[2:] for each in _IMPORT.findall(ASSETS[name].body.decode())}
        ahead += found - reached
    assert sorted(reached) == _SCRIPTS
