"""Prices from the table of a kept library: the real one, compared with what it says itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from genai_prices import Usage as TableUsage
from genai_prices import __version__, calc_price

import council
from council.agents.scripted import ScriptedAgent
from council.assemble import assemble_panel, check_panel
from council.cli.summary import summary_lines
from council.errors import ConfigError
from council.expert import Expert
from council.messages import Usage
from council.price_table import in_words, table_price
from council.prices import Price, dollars, total_cost

OPENAI = "https://api.openai.com/v1"
ANTHROPIC = "https://api.anthropic.com"
KNOWN = [
    (OPENAI, "gpt-4o-mini"),
    (OPENAI, "gpt-4o-2024-08-06"),
    (ANTHROPIC, "claude-sonnet-4-5"),  # dearer from 200,000 tokens on
    ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-pro"),
    ("https://api.mistral.ai/v1", "mistral-large-latest"),
    ("https://user:word@api.groq.com/openai/v1", "llama-3.3-70b-versatile"),
]


@pytest.fixture
def no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "genai_prices"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "genai_prices", None)


@pytest.mark.parametrize(("endpoint", "model"), KNOWN)
@pytest.mark.parametrize("prompt", [1000, 199_999, 200_000, 200_001, 900_000])
def test_costs_are_what_the_library_makes_of_them(endpoint: str, model: str, prompt: int) -> None:
    price = table_price([endpoint], model)
    assert price is not None
    usage = Usage(prompt, 700, cached_tokens=300)
    theirs = calc_price(
        TableUsage(input_tokens=prompt, output_tokens=700, cache_read_tokens=300),
        model,
        provider_api_url=endpoint.replace("user:word@", ""),
    )
    assert dollars(price.of(usage)) == pytest.approx(float(theirs.total_price), rel=1e-9)
    assert price.of(usage) <= price.at_most(prompt, 700)
    assert price.table.startswith(f"genai-prices {__version__}, its newest price of 20")


def test_a_longer_prompt_may_make_all_tokens_dearer() -> None:
    price = Price(1.0, 10.0, steps=((100, Price(2.0, 5.0)), (200, Price(4.0, 40.0))))
    assert price.of(Usage(100, 1)) == Price(1.0, 10.0).of(Usage(100, 1))
    assert price.of(Usage(101, 1)) == Price(2.0, 5.0).of(Usage(101, 1))
    assert price.of(Usage(201, 1)) == Price(4.0, 40.0).of(Usage(201, 1))
    # At most 101 tokens may be 100, and then the reply is the dearer part.
    assert price.at_most(101, 1000) == Price(2.0, 10.0).at_most(101, 1000) - 101 * 10**6
    assert price.affordable(10**9, 100) == price.affordable(10**9, 101) == 100
    assert price.affordable(10**9, 201) == 25


@pytest.mark.parametrize(
    ("endpoint", "model"),
    [
        ("http://localhost:8080", "gpt-4o"),
        ("http://127.0.0.1:8080/v1", "gpt-4o"),
        ("http://[::1]:8080/v1", "gpt-4o"),
        ("http://box.local/v1", "gpt-4o"),
        ("https://llm.example.com/v1", "gpt-4o"),
        ("https://api.openai.com.example.com/v1", "gpt-4o"),
        (OPENAI, "gpt-of-our-own"),
        (OPENAI, "text-embedding-3-small"),  # it writes nothing: no expert
        # The table has it, and no price for it: that is no price of 0.
        ("https://openrouter.ai/api/v1", "meta-llama/llama-3.3-70b-instruct:free"),
        ("https://api.perplexity.ai", "sonar-pro"),  # a fee for each request, too
    ],
)
def test_whoever_the_table_does_not_know_has_no_price(endpoint: str, model: str) -> None:
    assert table_price([endpoint], model) is None


def test_an_embedder_writes_nothing() -> None:
    price = table_price([OPENAI], "text-embedding-3-small", embeds=True)
    assert price is not None
    assert (price.input > 0, price.output) == (True, 0.0)


def test_a_pool_has_a_price_where_it_is_one() -> None:
    assert table_price([OPENAI, OPENAI], "gpt-4o") is not None
    assert table_price([OPENAI, "http://localhost:1"], "gpt-4o") is None


def expert(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "endpoint": OPENAI, **more}


def test_what_the_panel_says_comes_first() -> None:
    given = expert(price={"input": 1, "output": 2})
    other = expert(extra_body={"service_tier": "priority"})
    embedder = {"model": "text-embedding-3-small", "endpoint": OPENAI}
    _, parts = assemble_panel({"experts": [given, expert(), other], "embedder": embedder})
    assert parts.experts[0].price == Price(1.0, 2.0)
    assert parts.experts[1].price == table_price([OPENAI], "gpt-4o")
    assert parts.experts[1].price is not None
    assert parts.experts[2].price is None
    anyio.run(parts.aclose)


def test_checking_a_panel_says_where_prices_are_from() -> None:
    given = expert(price={"input": 1, "output": 2.5})
    away = expert(endpoint="http://localhost:1")
    local = {"model": "builtin:sage"}
    lines = anyio.run(check_panel, {"experts": [given, expert(), away, local]}).prices
    assert lines[0] == "A: $1 in and $2.5 out for a million tokens (from the panel)"
    assert lines[1].startswith("B: $")
    assert f"(genai-prices {__version__}, its newest price of 20" in lines[1]
    assert lines[2:] == ["C: price not known"]
    assert anyio.run(check_panel, {"experts": [away, local]}).prices == []


def test_the_command_that_checks_says_so_too(tmp_path: Path) -> None:
    file = tmp_path / "panel.yaml"
    file.write_text(yaml.safe_dump({"experts": [expert()]}))
    command = [sys.executable, "-m", "council.cli", "config", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    ok, line = done.stdout.splitlines()
    assert ok == f"{file}: ok (A)"
    assert line.startswith("  A: $")
    assert f"genai-prices {__version__}" in line


@pytest.mark.usefixtures("no_table")
def test_without_the_table_a_limit_of_money_names_it() -> None:
    with pytest.raises(
        ConfigError, match=r"limits\.cost.*what A would.*'council\[prices\]' brings"
    ):
        assemble_panel({"experts": [expert()], "limits": {"cost": 1}})
    assert table_price([OPENAI], "gpt-4o") is None


def test_with_the_table_a_limit_of_money_says_that_it_does_not_help() -> None:
    assert assemble_panel({"experts": [expert()], "limits": {"cost": 1}})
    with pytest.raises(ConfigError, match="the installed table of prices does not have them"):
        assemble_panel({"experts": [expert(model="own")], "limits": {"cost": 1}})


def test_the_table_is_read_where_it_is_needed_alone() -> None:
    panel = {"experts": [{"model": "m", "endpoint": "http://localhost:1"}]}
    code = f"import council.assemble as a, sys; a.assemble_panel({panel!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "council.price_table" in done.stdout.split()
    assert "genai_prices" not in done.stdout.split()


def test_the_cost_names_the_table() -> None:
    table = Price(2.0, 1.0, table="a table 1.0")
    usage = Usage(10**6, 0)
    cost = total_cost([("a", usage, table), ("b", usage, Price(1, 1)), ("c", Usage(), table)])
    assert (cost.amount, cost.tabled, cost.table) == (3.0, ("a",), "a table 1.0")
    assert "(a table 1.0)" in in_words(table)


@pytest.mark.anyio
async def test_result_and_summary_name_the_table() -> None:
    price = table_price([OPENAI], "gpt-4o")
    assert price is not None
    seat = Expert("ada", ScriptedAgent("ada", "word " * 100), price=price)
    result = await council.ask("6 * 7?", panel=[seat])
    cost = result.to_dict()["cost"]
    assert (cost["tabled"], cost["amount"]) == (["ada"], dollars(price.of(result.usage)))
    assert cost["table"].startswith(f"genai-prices {__version__}")
    assert f"(prices of ada: {cost['table']})" in summary_lines(result)[-1]
