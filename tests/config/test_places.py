"""Panels by name: which file is meant, and what an unknown name is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import council
from council.config import load_config
from council.config.places import PACKAGE_FOLDER, config_folder, known_panels, panel_path
from council.errors import ConfigError
from council.rerun import resumed

ROOT = Path(__file__).parents[2]
PANEL = "experts: [{model: m, endpoint: 'http://localhost'}]\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder `work` and the user's configuration, both empty."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PANEL)
    return path


def test_the_package_has_every_panel_of_built_in_models() -> None:
    ready = {
        path.name: path.read_text()
        for path in sorted((ROOT / "configs").glob("*.yaml"))
        if _needs_nothing(path)
    }
    assert {path.name: path.read_text() for path in sorted(PACKAGE_FOLDER.iterdir())} == ready
    decided = [str(yaml.safe_load(text).get("strategy")) for text in ready.values()]
    assert all(any(name in one for one in decided) for name in council.STRATEGIES)


def _needs_nothing(path: Path) -> bool:
    panel = yaml.safe_load(path.read_text())
    entries = [*panel["experts"], *filter(None, [panel.get("synthesizer")])]
    return all(str(entry["model"]).startswith("builtin:") for entry in entries)


def test_the_built_in_panel_is_the_same_everywhere(home: Path) -> None:
    write(Path("configs/panel.yaml"))
    write(Path("configs/builtin.yaml"))
    assert panel_path("@builtin") == PACKAGE_FOLDER / "panel.yaml"
    assert panel_path("builtin") == Path("configs/builtin.yaml")


def test_the_nearer_place_wins(home: Path) -> None:
    assert panel_path("debate") == panel_path("@debate") == PACKAGE_FOLDER / "debate.yaml"
    users = write(config_folder() / "debate.yaml")
    assert users.is_relative_to(home / "config")
    assert panel_path("debate") == panel_path("@debate") == users
    write(Path("configs/debate.yml"))
    assert panel_path("debate") == panel_path("@debate") == Path("configs/debate.yml")
    write(Path("configs/debate.yaml"))
    assert panel_path("debate") == panel_path("@debate.yaml") == Path("configs/debate.yaml")
    write(Path("debate.yaml"))
    assert panel_path("debate") == Path("debate.yaml")
    assert panel_path("@debate") == Path("configs/debate.yaml")
    write(Path("debate"))
    assert panel_path("debate") == Path("debate")


def test_all_names_are_known_and_hidden_ones_say_so(home: Path) -> None:
    mine = write(Path("configs/debate.yaml"))
    known = {panel.path: panel for panel in known_panels()}
    assert known[mine].hidden_by is None
    assert known[PACKAGE_FOLDER / "debate.yaml"].hidden_by == mine
    assert known[PACKAGE_FOLDER / "rank.yaml"].name == "rank"


@pytest.mark.parametrize("name", ["../p.yaml", "./p", "sub/p", "/nowhere/p.yaml", "nope.yaml"])
def test_a_path_is_never_taken_for_a_name(home: Path, name: str) -> None:
    for panel in ("p", "nope"):
        write(Path(f"configs/{panel}.yaml"))
    assert panel_path(name) == Path(name)
    with pytest.raises(ConfigError, match="No such file"):
        load_config(name)


def test_a_directory_named_like_a_panel_is_passed_over(home: Path) -> None:
    Path("debate").mkdir()
    Path("configs/rank.yaml").mkdir(parents=True)
    assert panel_path("debate") == PACKAGE_FOLDER / "debate.yaml"
    assert panel_path("rank") == PACKAGE_FOLDER / "rank.yaml"
    with pytest.raises(ConfigError, match=r"configs: a directory: name a panel file"):
        load_config(Path("configs/"))
    with pytest.raises(ConfigError, match=r"\.: a directory"):
        load_config("")


def test_names_with_dots_and_pipes(home: Path) -> None:
    mine = write(Path("configs/gpt-4.1.yaml"))
    assert panel_path("gpt-4.1") == panel_path("@gpt-4.1") == mine
    os.mkfifo("configs/pipe")
    assert panel_path("configs/pipe") == Path("configs/pipe")
    assert panel_path("/dev/null") == Path("/dev/null")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("debat", "debate"), ("Debate", "debate"), ("@RANK", "rank"), ("builtin", "@builtin")],
)
def test_an_unknown_name_is_told_the_nearest_and_the_places(
    home: Path, name: str, nearest: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        panel_path(name)
    said = str(caught.value)
    assert said.startswith(f"no panel is called {name.lstrip('@')!r}: did you mean {nearest!r}?")
    folder = "" if name.startswith("@") else "the working folder, "
    places = f"looked in {folder}configs, {home}/config/council and among those that come with"
    assert places in said


@pytest.mark.parametrize("name", ["@", "@../x", "zzz" * 200, "a\0b"])
def test_odd_names_are_unknown_names(home: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no panel is called"):
        panel_path(name)


@pytest.mark.anyio
async def test_python_takes_names_and_resumes_from_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("configs").mkdir()
    Path("configs/mine.yaml").write_text((PACKAGE_FOLDER / "self-consistency.yaml").read_text())
    with council.Store(home / "runs.sqlite3") as store:
        result = await council.ask("What is 17 + 25?", panel="mine", store=store)
        assert result.answer
        record = store.run(result.run_id)
        assert record.source == str(home / "work" / "configs" / "mine.yaml")
        monkeypatch.chdir(home)
        async with resumed(store, result.run_id) as run:
            assert [event.type async for event in run][-1] == "run.finished"
        assert run.result.answer == result.answer


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "council", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=100,
        check=False,
    )


def test_commands_take_names(home: Path) -> None:
    done = call("run", "@builtin", "What is 17 + 25?", "--quiet")
    assert (done.returncode, done.stdout) == (0, "17 + 25 = 42.\n"), done.stderr
    done = call("config", "check", "debate", "rank", "nobody")
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "debate: ok (first, second, third)",
        "rank: ok (abacus, atlas, sage)",
    ]
    assert "council: error: no panel is called 'nobody'" in done.stderr


def test_a_folder_is_checked_file_by_file(home: Path) -> None:
    write(Path("team/b.yaml"))
    Path("team/a.yml").write_text("experts: [{modle: m}]\n")
    Path("team/notes.txt").write_text("no panel")
    Path("empty").mkdir()
    Path("rank").mkdir()  # a name comes before a folder
    done = call("config", "check", "team", "empty", "rank")
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "team/b.yaml: ok (A)",
        "rank: ok (abacus, atlas, sage)",
    ]
    first, *_, last = done.stderr.splitlines()
    assert first.startswith("council: error: team/a.yml:1: experts[0].modle: unknown key")
    assert last == "council: error: empty: no panel file (.yaml, .yml) is in this folder"


def test_a_folder_to_check_that_is_not_there(home: Path) -> None:
    done = call("config", "check", "confgs/")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "council: error: confgs/: there is no such folder\n"


def test_all_panels_are_listed_with_their_first_line(home: Path) -> None:
    Path("configs").mkdir()
    Path("configs/debate.yaml").write_text(f"\n#  Mine\x1b[2J: two of us.\n# More.\n{PANEL}")
    write(config_folder() / "own.yaml")
    done = call("config", "list")
    lines = done.stdout.splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["debate", "configs/debate.yaml", "(hides", f"{PACKAGE_FOLDER}/debate.yaml)"],
        ["Mine:", "two", "of", "us."],
    ]
    assert lines[2].split() == ["own", str(config_folder() / "own.yaml")]
    assert done.stdout.count("debate.yaml") == 2
    assert done.stderr == f"panels of your own: {config_folder()}\n"
    listed = [json.loads(line) for line in call("config", "list", "--json").stdout.splitlines()]
    assert listed[0]["title"] == "Mine: two of us."
    hidden = {one["path"]: one["hidden_by"] for one in listed}
    assert hidden[str(PACKAGE_FOLDER / "debate.yaml")] == "configs/debate.yaml"
    assert hidden[str(PACKAGE_FOLDER / "rank.yaml")] is None


def test_panels_of_the_working_folder_are_listed_and_suggested(home: Path) -> None:
    write(Path("rank.yaml"))
    write(Path("nightly.yml"))
    Path("compose.yaml").write_text("services: {experts: 1}\n")
    os.mkfifo("pipe.yaml")
    lines = call("config", "list").stdout.splitlines()
    assert lines[0].split() == ["nightly", "nightly.yml"]
    assert lines[1].split() == ["rank", "rank.yaml", "(hides", f"{PACKAGE_FOLDER}/rank.yaml)"]
    assert not [line for line in lines if "compose" in line or "pipe" in line]
    with pytest.raises(ConfigError, match="did you mean 'nightly'"):
        panel_path("nightlyy")
    with pytest.raises(ConfigError, match="looked in configs"):
        panel_path("@nightly")


def test_the_working_folder_may_be_gone(home: Path) -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    try:
        assert panel_path("@builtin") == PACKAGE_FOLDER / "panel.yaml"
        assert panel_path("rank") == PACKAGE_FOLDER / "rank.yaml"
    finally:
        os.chdir(home)
