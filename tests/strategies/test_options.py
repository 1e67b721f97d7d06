"""Options of the open strategies in panel files: mistakes are told with file, line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import council
from council.assemble import assemble_panel
from council.errors import ConfigError
from council.strategies import STRATEGIES

EXPERTS = [{"id": id, "model": "m", "endpoint": "http://127.0.0.1:9/v1"} for id in ("ada", "bob")]


def panel(folder: Path, strategy: dict[str, Any], **more: Any) -> Path:
    file = folder / "panel.yaml"
    values = {"experts": EXPERTS, "strategy": strategy, **more}
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    return file


@pytest.mark.parametrize(
    ("strategy", "complaint"),
    [
        (
            {"name": "rank", "reviewers": ["adda"]},
            "strategy.reviewers: no expert or synthesizer is",
        ),
        ({"name": "rank", "reviewers": []}, "strategy.reviewers: expected at least 1 entry"),
        ({"name": "judge", "judge": "synthesizer"}, "strategy.judge: no expert or synthesizer is"),
        ({"name": "judge", "mode": "best"}, "strategy.mode: expected one of 'pick'"),
        ({"name": "judge", "mood": "pick"}, "strategy.mood: unknown key: did you mean 'mode'?"),
        ({"name": "synthesize", "top": 1}, "strategy.top: expected at least 2"),
        ({"name": "debate", "max_rounds": 9}, "strategy.max_rounds: expected at most 8"),
        ({"name": "debate", "min_rounds": 0}, "strategy.min_rounds: expected at least 1"),
        ({"name": "debate", "min_rounds": 4}, "min_rounds is 4, but max_rounds only 3"),
        ({"name": "debate", "converge": "semantic"}, "no `embedder:"),
        ({"name": "debate", "extract": "semantic"}, "no `embedder:"),
        ({"name": "auto", "top": "two"}, "strategy.top: expected"),
    ],
)
def test_mistakes(tmp_path: Path, strategy: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        assemble_panel(panel(tmp_path, strategy))
    assert complaint in str(caught.value)
    assert "panel.yaml:" in str(caught.value)


PROMPTS = {
    "rank": ["prompt"],
    "judge": ["prompt"],
    "synthesize": ["prompt", "ranking_prompt"],
    "debate": ["prompt", "synthesis_prompt"],
    "auto": ["prompt", "ranking_prompt"],
}
EVERY_PROMPT = [(name, key) for name, keys in PROMPTS.items() for key in keys]


@pytest.mark.parametrize(("name", "key"), EVERY_PROMPT)
def test_every_prompt_can_be_replaced_and_is_checked(tmp_path: Path, name: str, key: str) -> None:
    needed = "{question} {answers}" + (" {own}" if (name, key) == ("debate", "prompt") else "")
    _, parts = assemble_panel(panel(tmp_path, {"name": name, key: needed}))
    assert getattr(parts.strategy, key) == needed
    for wrong, complaint in (
        (needed.replace("{answers}", ""), "the placeholder {answers} is missing"),
        (f"{needed} {{tally}}", "there is no placeholder {tally}"),
    ):
        with pytest.raises(ConfigError) as caught:
            assemble_panel(panel(tmp_path, {"name": name, key: wrong}))
        assert f"strategy.{key}: {complaint}" in str(caught.value)
        assert "{question}, {answers}" in str(caught.value)


def test_every_prompt_is_an_option() -> None:
    found = [
        (name, key)
        for name, strategy in STRATEGIES.items()
        for key in strategy.model_fields
        if key.endswith("prompt")
    ]
    assert sorted(found) == sorted(EVERY_PROMPT)


@pytest.mark.anyio
async def test_ids_of_a_strategy_given_to_a_run_are_checked_too(tmp_path: Path) -> None:
    agents = [council.ScriptedAgent(id, "yes") for id in ("ada", "bob")]
    with pytest.raises(ConfigError, match="no expert or synthesizer is called 'eve'"):
        await council.ask("?", panel=agents, strategy={"name": "judge", "judge": "eve"})


def test_a_synthesizer_may_judge_and_review(tmp_path: Path) -> None:
    writer = {"model": "m", "endpoint": "http://127.0.0.1:9/v1"}
    for strategy in (
        {"name": "judge", "judge": ["synthesizer", "ada"]},
        {"name": "rank", "reviewers": ["synthesizer", "bob"]},
    ):
        _, parts = assemble_panel(panel(tmp_path, strategy, synthesizer=writer))
        assert parts.strategy.name == strategy["name"]
