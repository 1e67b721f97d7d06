"""Certificates and proxies over real sockets, on both event loops."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64encode
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import pytest

from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.shared import Shared
from council.agents.transport import TransportOptions, new_client
from council.doctor import Finding, examine
from council.errors import ConfigError, TransportError
from council.limits import Timeouts
from council.messages import ChatMessage, ChatRequest
from council.retry import is_retryable
from council.testing import raw_server, unused_port, whole_reply
from tests.support.doctor import GOOD, NO_LIST
from tests.support.proxy import forward_proxy
from tests.support.tls import Authority

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "hi"),))
PATIENT = Timeouts(connect=20.0, first_token=60.0, idle=60.0, total=90.0)
PASSWORD = "s3cr€t/pass"
USERINFO = "ada:s3cr%E2%82%ACt%2Fpass"
BASIC = b64encode(f"ada:{PASSWORD}".encode()).decode()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _no_proxies_but_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def ask(url: str, **options: Any) -> str:
    agent = OpenAIHTTPAgent("ada", "m", url, timeouts=PATIENT, **options)
    try:
        async with aclosing(agent.chat(REQUEST)) as tokens:
            return "".join([token.text async for token in tokens])
    finally:
        await agent.aclose()


async def failure(url: str, **options: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await ask(url, **options)
    return caught.value


@pytest.mark.parametrize("form", ["file", "context", "nobody's"])
async def test_a_certificate_that_is_trusted(authority: Authority, form: str) -> None:
    verify = {
        "file": str(authority.file),
        "context": TransportOptions(verify=authority.file).ssl_context(),
        "nobody's": False,
    }[form]
    async with raw_server(whole_reply("yes"), tls=authority.server()) as server:
        assert await ask(server.url, verify=verify) == "yes"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the folder")
async def test_a_folder_of_certificates(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"verify: .* holds no certificate .*`openssl rehash`"):
        OpenAIHTTPAgent("a", "m", "https://h", verify=tmp_path)
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, capture_output=True)
    async with raw_server(whole_reply("yes"), tls=authority.server()) as server:
        assert await ask(server.url, verify=tmp_path) == "yes"


async def test_a_certificate_of_an_unknown_authority_says_how_to_trust_it(
    authority: Authority,
) -> None:
    async with raw_server(whole_reply("yes"), tls=authority.server()) as server:
        error = await failure(server.url)
    assert "could not connect to https://127.0.0.1:" in str(error)
    assert "certificate not trusted: " in str(error)
    assert "name the file of its CA with `verify`" in str(error)
    assert "_ssl.c" not in str(error)
    assert not is_retryable(error), "asking again does not make it trusted"


async def test_a_certificate_for_another_host(authority: Authority) -> None:
    async with raw_server(tls=authority.server("other.test")) as server:
        error = str(await failure(server.url, verify=authority.file))
    assert "certificate not trusted: IP address mismatch" in error
    assert "`verify`" not in error


async def test_a_server_without_tls() -> None:
    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        error = str(await failure(f"https://127.0.0.1:{port}"))
        group.cancel_scope.cancel()
    assert "the server speaks no TLS" in error


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_environments_bundle(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with raw_server(whole_reply("yes"), tls=authority.server()) as server:
        if trusted:
            assert await ask(server.url) == "yes"
        else:
            assert "not trusted" in str(await failure(server.url, trust_env=False))


async def test_an_environment_that_names_no_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(ConfigError, match="SSL_CERT_FILE in the environment: no CA bundle at"):
        new_client()


async def test_refused_and_unknown_read_alike() -> None:
    port = unused_port()
    assert str(await failure(f"http://127.0.0.1:{port}")) == (
        f"could not connect to http://127.0.0.1:{port}/v1/chat/completions: connection refused"
    )
    assert str(await failure("http://no-such-host.invalid")).partition("completions: ")[2] in (
        "no such host",
        "the host's name cannot be looked up just now",  # where there is no name server at all
    )


async def test_a_server_that_hangs_up_reads_alike() -> None:
    async with raw_server([]) as server:
        assert "broke off (the server hung up)" in str(await failure(server.url))


@pytest.mark.parametrize("userinfo", ["", USERINFO])
async def test_http_goes_through_a_proxy_with_its_whole_url(userinfo: str) -> None:
    async with raw_server(whole_reply("yes")) as server, forward_proxy() as proxy:
        url = f"http://api.test:{server.port}"
        assert await ask(url, proxy=proxy.url(userinfo)) == "yes"
    (request,) = proxy.requests
    assert request.line == f"POST {url}/v1/chat/completions HTTP/1.1"
    assert request.headers.get("proxy-authorization") == (f"Basic {BASIC}" if userinfo else None)


@pytest.mark.parametrize("userinfo", ["", USERINFO])
async def test_https_goes_through_a_tunnel(authority: Authority, userinfo: str) -> None:
    tls = authority.server("api.test")
    async with raw_server(whole_reply("yes"), tls=tls) as server, forward_proxy() as proxy:
        url = f"https://api.test:{server.port}"
        answer = await ask(url, proxy=proxy.url(userinfo), verify=authority.file, api_key="k3y")
    assert answer == "yes"
    (request,) = proxy.requests
    assert request.line == f"CONNECT api.test:{server.port} HTTP/1.1"
    assert request.headers.get("proxy-authorization") == (f"Basic {BASIC}" if userinfo else None)
    assert "authorization" not in request.headers
    (inner,) = server.requests
    assert "proxy-authorization" not in inner.headers
    assert inner.headers["authorization"] == "Bearer k3y"


@pytest.mark.parametrize("endpoint", ["http", "https"])
async def test_a_proxy_that_speaks_tls_itself(authority: Authority, endpoint: str) -> None:
    tls = authority.server()
    server_tls = tls if endpoint == "https" else None
    async with (
        raw_server(whole_reply("yes"), tls=server_tls) as server,
        forward_proxy(tls=tls) as proxy,
    ):
        assert await ask(server.url, proxy=proxy.url(), verify=authority.file) == "yes"
        error = str(await failure(server.url, proxy=proxy.url()))
    assert len(proxy.requests) == 1
    assert f"through the proxy https://127.0.0.1:{proxy.port}: certificate not trusted" in error


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_the_environments_proxy(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async with raw_server(whole_reply("yes")) as server, forward_proxy() as proxy:
        monkeypatch.setenv(name, proxy.url(USERINFO))
        assert await ask(server.url) == "yes"
        assert len(proxy.requests) == 1
        assert proxy.requests[0].headers["proxy-authorization"] == f"Basic {BASIC}"
        assert await ask(server.url, trust_env=False) == "yes"
        assert len(proxy.requests) == 1


async def test_the_environments_proxy_for_https(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = authority.server()
    async with raw_server(whole_reply("yes"), tls=tls) as server, forward_proxy(tls=tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url())
        assert await ask(server.url, verify=authority.file) == "yes"
    assert [request.line.split()[0] for request in proxy.requests] == ["CONNECT"]


@pytest.mark.parametrize(
    ("exempt", "passes"),
    [
        ("127.0.0.1", False),
        ("example.test, 127.0.0.1", False),
        ("*", False),
        ("127.0.0.1:{port}", False),
        ("http://127.0.0.1", False),
        ("example.test", True),
        ("127.0.0.2", True),
        ("127.0.0.1:1", True),
        ("https://127.0.0.1", True),
        ("::1,localhost", True),
    ],
)
async def test_who_needs_no_proxy(
    monkeypatch: pytest.MonkeyPatch, exempt: str, passes: bool
) -> None:
    async with raw_server(whole_reply("yes")) as server, forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("NO_PROXY", exempt.format(port=server.port))
        assert await ask(server.url) == "yes"
    assert bool(proxy.requests) == passes


@pytest.mark.parametrize("exempt", [".example.test", "example.test", "localhost"])
async def test_names_that_need_no_proxy(monkeypatch: pytest.MonkeyPatch, exempt: str) -> None:
    host = "localhost" if exempt == "localhost" else "www.example.test"
    async with forward_proxy(refuse=b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        assert (await failure(f"http://{host}:{unused_port()}")).status == 502
        monkeypatch.setenv("NO_PROXY", exempt)
        assert (await failure(f"http://{host}:{unused_port()}")).status is None


async def test_a_proxy_of_the_panels_own_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", "*")
    async with raw_server(whole_reply("yes")) as server, forward_proxy() as proxy:
        assert await ask(server.url, proxy=proxy.url()) == "yes"
    assert len(proxy.requests) == 1


ECHO = f"bad credentials {BASIC} for ada with {PASSWORD}".encode()
REFUSAL = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nConnection: close\r\nContent-Length: "
    b"%d\r\n\r\n%b" % (len(ECHO), ECHO)
)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_refuses(scheme: str) -> None:
    async with forward_proxy(refuse=REFUSAL) as proxy:
        url, through = f"{scheme}://api.test:1", proxy.url(USERINFO)
        error = await failure(url, proxy=through)
        agent = OpenAIHTTPAgent("a", "m", url, proxy=through)
    assert error.status == 407
    assert "(check the proxy's user and password)" in str(error)
    shown = f"{error}{error.excerpt}{agent!r}{agent._transport!r}"
    assert all(secret not in shown for secret in (PASSWORD, BASIC, "s3cr"))


async def test_a_proxy_that_is_not_there() -> None:
    port = unused_port()
    error = str(await failure("https://api.test", proxy=f"http://{USERINFO}@127.0.0.1:{port}"))
    assert error == (
        "could not connect to https://api.test/v1/chat/completions"
        f" through the proxy http://127.0.0.1:{port}: connection refused"
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("socks5://ada:hunter2@h:1", "a SOCKS proxy"),
        ("h:3128", "not an http"),
        ("http://", "not an http"),
        ("http://ada:hunter2@h:port", "not an http"),
        ("http://ada%3Ab:hunter2@h", "colon"),
        ("", "not an http"),
    ],
)
async def test_a_proxy_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=f"proxy: .*{message}") as caught:
        OpenAIHTTPAgent("a", "m", "http://h", proxy=url)
    assert "hunter2" not in str(caught.value)
    if "://" in url:  # the environment's may lack it
        monkeypatch.setenv("ALL_PROXY", url)
        with pytest.raises(ConfigError, match="ALL_PROXY in the environment") as caught:
            new_client()
        assert "hunter2" not in str(caught.value)


async def test_equal_options_share_a_client(authority: Authority) -> None:
    shared = Shared()
    options = [
        TransportOptions(),
        TransportOptions(proxy="http://h:1"),
        TransportOptions(verify=False),
        TransportOptions(verify=str(authority.file)),
        TransportOptions(trust_env=False),
    ]
    clients = [shared.once(new_client, one) for one in options]
    assert len({id(client) for client in clients}) == len(options)
    assert shared.once(new_client, TransportOptions(proxy="http://h:1")) is clients[1]
    await shared.aclose()
    assert all(client.is_closed for client in clients)


async def finding_of(authority: Authority, **options: Any) -> Finding:
    async with raw_server(GOOD, NO_LIST, tls=authority.server()) as server:
        expert = {"model": "m", "endpoint": server.url, **options}
        (finding,) = await examine({"experts": [expert]})
    return finding


async def test_the_doctor_on_certificates(authority: Authority) -> None:
    assert (await finding_of(authority, verify=str(authority.file))).notes == ()
    unchecked = await finding_of(authority, verify=False)
    assert unchecked.state == "ok"
    assert unchecked.notes == ("its certificate is not checked (`verify: false`)",)
    failed = await finding_of(authority)
    assert "`verify`" in failed.error
    assert failed.advice == ""


async def test_the_doctor_goes_through_the_proxy_too() -> None:
    async with raw_server(GOOD, NO_LIST) as server, forward_proxy() as proxy:
        direct = {"model": "m", "endpoint": server.url}
        findings = await examine({"experts": [{**direct, "proxy": proxy.url()}, direct]})
    assert [finding.experts for finding in findings] == [("A",), ("B",)]
    assert sorted(request.line.split()[0] for request in proxy.requests) == ["GET", "POST"]
