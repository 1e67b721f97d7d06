"""Real clients at `council serve` with built-in panels: SDKs, curl, and the page about them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import anyio
import httpx
import openai
import pytest

from examples.clients.gateway import gateway

# Models are loaded first, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "panel-clients.md").read_text()
ADDRESS = "http://127.0.0.1:8000"
PATIENCE = 240.0
ASKED: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is 17 + 25?"},
]
EXPERTS = {"council": {"show": "experts"}}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


SNIPPETS = {re.findall(r"^(?:import|from) (\w+)", text)[0]: text for text in blocks("python")}
LINES = [
    line for block in blocks("sh") for line in block.splitlines() if "council serve" not in line
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A gateway in a process of its own, with built-in panels."""
    with gateway() as found:
        yield found


@pytest.fixture
def chat(url: str) -> Iterator[openai.OpenAI]:
    """OpenAI's client."""
    with openai.OpenAI(
        base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
    ) as found:
        yield found


@pytest.fixture
def claude(url: str) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client."""
    with anthropic.Anthropic(
        base_url=url, api_key="none", max_retries=0, timeout=PATIENCE
    ) as found:
        yield found


def test_openai_lists_the_panel_and_asks_it(chat: openai.OpenAI) -> None:
    assert [model.id for model in chat.models.list()] == ["panel", "synthesize"]
    whole = chat.chat.completions.create(model="panel", messages=ASKED, temperature=0)
    assert whole.choices[0].message.content == "17 + 25 = 42."
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.total_tokens > 3 * 10  # of three experts
    told = (whole.model_extra or {})["council"]
    assert (told["status"], told["ignored"]) == ("complete", ["temperature"])


def test_openai_streams_experts_before_the_answer(chat: openai.OpenAI) -> None:
    stream = chat.chat.completions.create(
        model="synthesize",
        messages=ASKED,
        stream=True,
        stream_options={"include_usage": True},
        extra_body=EXPERTS,
    )
    order: list[str] = []
    answer, thoughts = "", ""
    for chunk in stream:
        for choice in chunk.choices:
            thought = (choice.delta.model_extra or {}).get("reasoning_content") or ""
            answer, thoughts = answer + (choice.delta.content or ""), thoughts + thought
            order += ["thought"] * bool(thought) + ["answer"] * bool(choice.delta.content)
    assert "42" in answer
    assert {part.partition(":")[0] for part in thoughts.split("\n\n")} == {
        "abacus",
        "atlas",
        "sage",
    }
    # Word by word, and nothing of the experts after the first word of the answer.
    assert order.count("answer") > 3
    assert order.count("thought") > 3
    assert order == sorted(order, reverse=True)
    assert chunk.usage is not None
    assert (chunk.model_extra or {})["council"]["strategy"] == "synthesize"


def test_openai_knows_the_errors(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        chat.chat.completions.create(model="nobody", messages=ASKED)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as refused:
        chat.chat.completions.create(model="panel", messages=ASKED, n=2)
    assert refused.value.param == "n"
    limited = {"council": {"max_total_tokens": 1}}
    with pytest.raises(openai.APIStatusError) as spent:
        chat.chat.completions.create(model="panel", messages=ASKED, extra_body=limited)
    assert spent.value.code == "limit_hit"
    with pytest.raises(openai.APIError, match="limit"):
        list(
            chat.chat.completions.create(
                model="panel", messages=ASKED, stream=True, extra_body=limited
            )
        )


def test_anthropic_asks_and_goes_on(claude: anthropic.Anthropic) -> None:
    question = ASKED[1:]
    with claude.messages.stream(
        model="panel", max_tokens=100, system="Be brief.", messages=question, extra_body=EXPERTS
    ) as stream:
        assert "".join(stream.text_stream) == "17 + 25 = 42."
        first = stream.get_final_message()
    assert [block.type for block in first.content] == ["thinking", "text"]
    assert first.stop_reason == "end_turn"
    assert first.usage.output_tokens > 10
    turns: list[Any] = [
        *question,
        {"role": "assistant", "content": [block.model_dump() for block in first.content]},
        {"role": "user", "content": "What is the capital of Japan?"},
    ]
    second = claude.messages.create(model="panel", max_tokens=100, messages=turns)
    [block] = second.content
    assert block.type == "text"
    assert "Tokyo" in block.text
    assert (second.model_extra or {})["council"]["status"] == "complete"


def test_anthropic_knows_the_errors(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="nobody"):
        claude.messages.create(model="nobody", max_tokens=9, messages=ASKED[1:])
    with pytest.raises(anthropic.BadRequestError, match="tools is not supported"):
        claude.messages.create(
            model="panel",
            max_tokens=9,
            messages=ASKED[1:],
            tools=[{"name": "add", "input_schema": {"type": "object"}}],
        )


@pytest.mark.anyio
async def test_openai_may_leave_a_stream(url: str) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
    ) as sdk:
        stream = await sdk.chat.completions.create(model="panel", messages=ASKED, stream=True)
        first = await anext(aiter(stream))
        await stream.close()
    run = (first.model_extra or {})["council"]["run_id"]
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as web:
        with anyio.fail_after(PATIENCE):
            events = (await web.get(f"/v1/council/runs/{run}/events")).text
        # It was stopped, or had its answer already: in any case it is over.
        assert "event: run.finished" in events


def ran(command: list[str], folder: Path) -> str:
    """What a command wrote; nothing of the user's own settings takes part."""
    kept = {name: value for name, value in os.environ.items() if "_BASE" not in name}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, "LLM_USER_PATH": str(folder), "NO_PROXY": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("library", SNIPPETS)
def test_the_pages_python(library: str, url: str, tmp_path: Path) -> None:
    program = SNIPPETS[library].replace(ADDRESS, url)
    assert program.count(url) == 1
    assert "17 + 25 = 42." in ran([sys.executable, "-c", program], tmp_path)


@pytest.mark.parametrize("line", LINES)
def test_the_pages_commands(line: str, url: str, tmp_path: Path) -> None:
    name, *arguments = shlex.split(line.replace(ADDRESS, url))
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    said = ran([found, *arguments], tmp_path)
    events = [json.loads(event[6:]) for event in said.splitlines() if event.startswith("data: {")]
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    assert "17 + 25 = 42." in ("".join(delta.get("content", "") for delta in deltas) or said)


def test_llm_as_a_front_end(url: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("llm") is None:
        pytest.skip("llm is not installed")
    said = ran([sys.executable, "-m", "examples.clients.panel_with_llm", url], tmp_path)
    assert "17 + 25 = 42." in said
    assert "Tokyo" in said


def test_the_page_is_about_these_clients() -> None:
    assert set(SNIPPETS) == {"openai", "anthropic"}
    assert {shlex.split(line)[0] for line in LINES} == {"curl", "llm"}
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    assert (ROOT / "examples" / "clients" / "panel_with_llm.py").is_file()


def test_a_gateway_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"nobody\.yaml"), gateway(panels=["nobody.yaml"]):
        pass


def test_a_program_takes_a_gateway() -> None:
    for given in ("http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"):
        with gateway(given) as address:
            assert address == "http://h:1"
