"""docs/serving.md names every option there is, and none that there is not."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from backend.cli import parse
from serving.arguments import add_serving_arguments
from serving.key_file import read_key_file
from serving.options import Options
from tests.support.documents import run_documented

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text()


def test_every_option_is_explained() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_serving_arguments(parser, "KEYS")
    options = set(re.findall(r"--[a-z-]+", parser.format_help()))
    named = set(re.findall(r"`[^`]*?(--[a-z-]+)", PAGE))
    assert options <= named
    others = {"--queue", "--exit-with-parent", "--model", "--host"}
    assert named <= options | others


def test_its_numbers_are_those_of_the_code() -> None:
    options = Options()
    assert f"`--drain` seconds ({options.drain:g})" in PAGE
    assert f"`--max-body` ({options.max_body >> 20}M)" in PAGE
    assert f"longer than {options.body_patience:g} seconds" in PAGE


def test_its_first_steps_work(tmp_path: Path) -> None:
    make, serve = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()
    keys = tmp_path / "keys.txt"
    done = run_documented(make.replace("keys.txt", str(keys)), tmp_path)
    assert done.returncode == 0, done.stderr
    (key,) = read_key_file(keys, Options().rates)
    assert key.name == "ann"
    words = serve.replace("keys.txt", str(keys)).split()
    assert words[:2] == ["council", "backend"]
    settings = parse(words[2:])
    assert len(settings.serving.load_keys()) == 1
    assert settings.serving.rates.requests == 60
