"""docs/tutorial.md does what it says and shows what is seen, from a first answer to the gateway."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import run_documented

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
PANEL = "my-panel.yaml"

# Times differ from run to run; experts' boxes are drawn for a terminal only.
TIMES = re.compile(r"\d+\.\d+ s\b")
FRAMES = ("╭", "╰", " votes  ")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def shown(language: str) -> list[tuple[str, str]]:
    """Each block of a language and the output below it, which every one has to have."""
    parts = re.findall(rf"```{language}\n(.*?)```(?:\n\n```console\n(.*?)```)?", PAGE, re.DOTALL)
    return [(block.strip(), output) for block, output in parts]


def assert_seen(output: str, done: subprocess.CompletedProcess[str]) -> None:
    """Every line that the page shows is one that the command wrote.

    What stands in a box is looked for within the lines: without a terminal they have the expert's
    name in front.
    """
    assert output, "the page does not show what this command writes"
    told = TIMES.sub("T s", done.stdout + done.stderr)
    for line in TIMES.sub("T s", output).splitlines():
        if line.startswith("│"):
            for text in filter(None, map(str.strip, line.split("│"))):
                assert f"| {text}\n" in told
        elif line and not line.startswith(FRAMES):
            assert line in told.splitlines()


COMMANDS = [command for command, _ in shown("sh")]


@pytest.mark.parametrize(("command", "output"), shown("sh"), ids=COMMANDS)
def test_commands_write_what_is_shown(command: str, output: str, tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    panel = tmp_path / PANEL
    panel.write_text(text)
    done = run_documented(command.replace(PANEL, shlex.quote(str(panel))), tmp_path)
    assert done.returncode == 0, done.stderr
    assert_seen(output.replace(PANEL, str(panel)), done)


def test_the_mistake_is_answered_as_quoted(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    panel = tmp_path / PANEL
    panel.write_text(text.replace("strategy:", "strateggy:"))
    done = run_documented(f"council config check {shlex.quote(str(panel))}", tmp_path)
    (quoted,) = re.findall(r"`(my-panel\.yaml:\d+: [^`]*)`", PAGE)
    assert done.returncode == 2
    assert " ".join(quoted.split()).replace(PANEL, str(panel)) in done.stderr


def test_the_program_prints_what_is_shown(tmp_path: Path) -> None:
    ((program, output),) = shown("python")
    script = tmp_path / "program.py"
    script.write_text(program)
    done = run_documented(f"python {shlex.quote(str(script))}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(output.splitlines())


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """What the page starts, at a port that is free."""
    command, said = next(part for part in shown("text") if part[0].startswith("council serve"))
    with subprocess.Popen(
        [sys.executable, "-m", *command.split(), "--port", "0", "--no-store"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        heard = []
        for line in process.stderr:
            heard.append(line)
            if (found := re.search(r"listening on (http://\S+)", line)) is not None:
                break
        else:
            pytest.fail("the gateway ended: " + "".join(heard))
        try:
            assert line == said.replace("http://127.0.0.1:8000", found[1])
            yield found[1]
        finally:
            process.terminate()


@pytest.mark.parametrize(("command", "output"), shown("bash"), ids=["chat", "models"])
def test_what_the_gateway_answers(command: str, output: str, gateway: str, tmp_path: Path) -> None:
    done = run_documented(command.replace("http://localhost:8000", gateway), tmp_path)
    assert done.returncode == 0, done.stderr
    assert_seen(output, done)
