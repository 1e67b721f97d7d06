"""`council pull` against a hub on this machine: whole, broken off, damaged, refused."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub import COMMIT, Hub, hub_running

pytest.importorskip("huggingface_hub")

ROOT = Path(__file__).parents[2]
COUNCIL = [sys.executable, "-m", "council"]
REPO = "someone/tiny-GGUF"
FILE = f"{REPO}/tiny-q4.gguf"
CONTENT = b"GGUF" + random.Random(1).randbytes(3_000_000)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """One repository with two models, of which one is in two parts, and other files."""
    files = {
        FILE: CONTENT,
        f"{REPO}/small.gguf": b"GGUF and no more",
        f"{REPO}/two/big-00001-of-00002.gguf": b"GGUF one",
        f"{REPO}/two/big-00002-of-00002.gguf": b"GGUF two",
        f"{REPO}/README.md": b"# tiny",
        "someone/papers/README.md": b"nothing here",
    }
    with hub_running(files=files, small={f"{REPO}/small.gguf"}) as running:
        yield running


def environment(hub: Hub, folder: Path, **more: str) -> dict[str, str]:
    mine = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
        "COUNCIL_MODELS": str(folder / "models"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    left = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return {**left, **mine, **more}


def pull(hub: Hub, folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COUNCIL, "pull", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(hub, folder, **env),
        timeout=100,
        check=False,
    )


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_repository_lists_its_models(hub: Hub, tmp_path: Path) -> None:
    done = pull(hub, tmp_path, REPO)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "small.gguf                   16 B",
        "tiny-q4.gguf                 3.0 MB",
        "two/big-00001-of-00002.gguf  8 B",
        "two/big-00002-of-00002.gguf  8 B",
    ]
    assert f"council pull {REPO}/small.gguf would bring" in done.stderr
    assert hub.to_store() == []


def test_a_file_is_pulled_verified_and_its_line_printed(hub: Hub, tmp_path: Path) -> None:
    done = pull(hub, tmp_path, FILE)
    target = tmp_path / "models" / FILE
    assert (done.returncode, done.stdout) == (0, f"- {{model: {target}}}\n"), done.stderr
    assert target.read_bytes() == CONTENT
    assert left_over(tmp_path / "models") == ["tiny-q4.gguf"]
    assert "tiny-q4.gguf: 0 B of 3.0 MB" in done.stderr
    assert f"pulled {target} (3.0 MB, checksum right)" in done.stderr
    assert f"/resolve/{COMMIT}/" in [one.path for one in hub.asked][-2]
    again = pull(hub, tmp_path, FILE)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert f"already there: {target}" in again.stderr
    assert len(hub.to_store()) == 1


def test_a_page_of_the_hub_is_taken_too(hub: Hub, tmp_path: Path) -> None:
    url = f"https://huggingface.co/{REPO}/blob/{COMMIT}/small.gguf?download=true"
    done = pull(hub, tmp_path, url, "--to", str(tmp_path / "a folder"), "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'- {{model: "{tmp_path}/a folder/small.gguf"}}\n'
    assert done.stderr == ""


def test_all_parts_of_a_model_are_pulled(hub: Hub, tmp_path: Path) -> None:
    done = pull(hub, tmp_path, f"{REPO}/two/big-00002-of-00002.gguf", "--to", str(tmp_path / "to"))
    assert done.stdout == f"- {{model: {tmp_path}/to/big-00001-of-00002.gguf}}\n", done.stderr
    assert left_over(tmp_path / "to") == [f"big-0000{n}-of-00002.gguf" for n in (1, 2)]


def test_a_connection_that_breaks_off_is_gone_on_with(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [1_000_000, 700_000]
    done = pull(hub, tmp_path, FILE)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "models" / FILE).read_bytes() == CONTENT
    ranges = [one.headers.get("range", "bytes=0-") for one in hub.to_store()]
    begun = [int(one.removeprefix("bytes=").removesuffix("-")) for one in ranges]
    assert begun[0] == 0 < begun[1] <= 1_000_000 < begun[2] <= 1_700_000


def test_who_is_interrupted_goes_on_the_next_time(hub: Hub, tmp_path: Path) -> None:
    import threading

    hub.held = threading.Event()
    process = subprocess.Popen(
        [*COUNCIL, "pull", FILE],
        env=environment(hub, tmp_path),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:  # until a good part of it has arrived
        if " 1." in line:
            break
    second = pull(hub, tmp_path, FILE)
    assert second.returncode == 2
    assert "another process is pulling it" in second.stderr
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=100)
    assert process.returncode == 130
    hub.held.set()
    (part,) = left_over(tmp_path / "models")
    assert part.startswith(".tiny-q4.gguf.")
    assert part.endswith(".part")
    done = pull(hub, tmp_path, FILE)
    assert done.returncode == 0, done.stderr
    assert int(hub.to_store()[-1].headers["range"].removeprefix("bytes=").rstrip("-")) > 500_000
    assert (tmp_path / "models" / FILE).read_bytes() == CONTENT


def test_a_server_without_ranges_begins_anew(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [1_000_000]
    hub.ignores_ranges = True
    done = pull(hub, tmp_path, FILE)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "models" / FILE).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["tiny-q4.gguf", "small.gguf"])
def test_what_is_damaged_is_not_kept(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.damaged = True
    done = pull(hub, tmp_path, f"{REPO}/{name}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"council: error: {name}: what arrived is not what the hub says it is" in done.stderr
    assert not (tmp_path / "models" / REPO / name).exists()
    hub.damaged = False
    assert pull(hub, tmp_path, f"{REPO}/{name}").returncode == 0


def test_another_file_in_its_place_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "tiny-q4.gguf").write_text("mine")
    done = pull(hub, tmp_path, FILE, "--to", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "is there, and is not the file of the hub" in done.stderr
    assert (tmp_path / "tiny-q4.gguf").read_text() == "mine"


def test_the_token_opens_a_gated_file_and_stays_with_the_hub(hub: Hub, tmp_path: Path) -> None:
    hub.gated.add(REPO)
    done = pull(hub, tmp_path, FILE)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{REPO}/tiny-q4.gguf is gated: accept its terms at {hub.url}" in done.stderr
    env = environment(hub, tmp_path)
    kept = [*COUNCIL, "keys", "set", "HF_TOKEN"]
    subprocess.run(kept, input=hub.token, env=env, cwd=ROOT, text=True, check=True, timeout=100)
    assert pull(hub, tmp_path, FILE).returncode == 0
    assert [one.headers.get("authorization") for one in hub.to_store()] == [None]
    (tmp_path / "models" / FILE).unlink()
    wrong = pull(hub, tmp_path, FILE, HF_TOKEN="hf_other")
    assert wrong.returncode == 2
    assert "hf_other" not in wrong.stderr


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("tiny", "'tiny' is no repository on the hub: write OWNER/NAME"),
        ("some one/x", "is no repository on the hub"),
        ("someone/tiny-GUFF", "no such repository, or a private one without HF_TOKEN (near:"
         " someone/tiny-GGUF)"),
        (f"{REPO}/tiny-q5.gguf", "has no file 'tiny-q5.gguf': did you mean 'tiny-q4.gguf'?"),
        (f"{REPO}/README.md", "has no file 'README.md'"),
        ("someone/papers", "someone/papers has no GGUF file"),
    ],
    ids=["word", "space", "repository", "file", "other", "none"],
)  # fmt: skip
def test_what_is_not_there_is_told_with_the_nearest(
    hub: Hub, tmp_path: Path, source: str, told: str
) -> None:
    done = pull(hub, tmp_path, source)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_revision_that_is_not_there(hub: Hub, tmp_path: Path) -> None:
    done = pull(hub, tmp_path, FILE, "--revision", "v9")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{REPO} at v9: no such revision" in done.stderr


def test_nobody_there_and_offline(hub: Hub, tmp_path: Path) -> None:
    done = pull(hub, tmp_path, FILE, HF_ENDPOINT="http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "http://127.0.0.1:1 cannot be reached" in done.stderr
    done = pull(hub, tmp_path, FILE, HF_HUB_OFFLINE="1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "HF_HUB_OFFLINE is set" in done.stderr


def test_a_disk_that_is_too_small_is_found_before(hub: Hub, tmp_path: Path) -> None:
    code = (
        "import shutil, sys, collections as c; u = c.namedtuple('u', 'total used free');"
        "shutil.disk_usage = lambda path: u(10**6, 0, 10**6);"
        f"sys.argv = ['council', 'pull', '{FILE}'];"
        "from council.cli.start import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, cwd=ROOT, env=environment(hub, tmp_path), check=False,
        timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "3.0 MB are needed and 1.0 MB are free: make room, or choose another" in done.stderr
    assert hub.to_store() == []


def test_a_folder_that_cannot_be_made(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = pull(hub, tmp_path, FILE, "--to", str(tmp_path / "file" / "x"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Not a directory" in done.stderr


def test_without_the_library_the_way_out_is_told(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['huggingface_hub'] = None;"
        f"sys.argv = ['council', 'pull', '{REPO}'];"
        "from council.cli.start import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "run pip install 'council[hub]'" in done.stderr
