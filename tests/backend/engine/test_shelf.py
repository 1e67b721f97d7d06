"""States on disk: what is found, what goes, what is damaged. No model is needed for that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.engine.identity import identity
from backend.engine.messages import Load
from backend.engine.shelf import LEAST, Shelf

LARGE = 1 << 30


class Shelves:
    """Makes shelves in one folder, and keeps what they note."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[str] = []

    def open(self, model: str = "model", most: int = LARGE) -> Shelf:
        return Shelf(self.root / model, most, self.notes.append)

    def files(self) -> list[Path]:
        return sorted(self.root.rglob("*.*"))


@pytest.fixture
def shelves(tmp_path: Path) -> Shelves:
    return Shelves(tmp_path / "cache")


def tokens(start: int, count: int = 300) -> list[int]:
    return list(range(start, start + count))


def test_what_is_written_is_found_by_the_next_process(shelves: Shelves) -> None:
    shelves.open().put(tokens(0), b"state")
    again = shelves.open()
    assert again.find(tokens(0)[:200] + tokens(5000)) == 200
    assert again.take(tokens(0), LEAST, 300) == (tokens(0), b"state")
    assert again.find(tokens(1)) == 0
    assert shelves.notes == []


def test_files_are_their_owners_alone(shelves: Shelves) -> None:
    shelves.open().put(tokens(0), b"state")
    (file,) = shelves.files()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_models_do_not_share(shelves: Shelves) -> None:
    shelves.open("one").put(tokens(0), b"state")
    assert shelves.open("two").find(tokens(0)) == 0


def test_only_what_fits_and_is_worth_it_is_taken(shelves: Shelves) -> None:
    shelf = shelves.open()
    shelf.put(tokens(0), b"state")
    assert shelf.take(tokens(0), LEAST, 299) is None
    assert shelf.take(tokens(0), 301, LARGE) is None
    assert shelf.take(tokens(900), 1, LARGE) is None


def test_of_several_the_longest_beginning_is_taken(shelves: Shelves) -> None:
    shelf = shelves.open()
    shelf.put(tokens(0)[:200] + tokens(7000), b"short")
    shelf.put(tokens(0)[:250] + tokens(8000), b"long")
    found = shelf.take(tokens(0), LEAST, LARGE)
    assert found is not None
    assert found[1] == b"long"


def test_what_adds_little_is_not_wanted(shelves: Shelves) -> None:
    shelf = shelves.open()
    assert not shelf.wants(tokens(0, LEAST - 1))
    assert shelf.wants(tokens(0, LEAST))
    shelf.put(tokens(0), b"state")
    assert not shelf.wants(tokens(0)[:200])
    assert not shelf.wants(tokens(0) + tokens(9000, LEAST - 1))
    assert shelf.wants(tokens(0) + tokens(9000, LEAST))


def test_a_longer_state_takes_the_place_of_its_beginning(shelves: Shelves) -> None:
    shelf = shelves.open()
    shelf.put(tokens(0), b"short")
    shelf.put(tokens(4000), b"other")
    shelf.put(tokens(0, 600), b"long")
    assert len(shelves.files()) == 2
    assert shelf.take(tokens(0), LEAST, LARGE) == (tokens(0, 600), b"long")
    assert shelf.find(tokens(4000)) == 300


def test_the_longest_unused_goes_first(shelves: Shelves) -> None:
    size = shelf_file_size(shelves)
    shelf = shelves.open(most=3 * size)
    for number in range(3):
        shelf.put(tokens(number * 1000), b"x" * 100)
        age(shelves, number)
    assert shelf.take(tokens(0), LEAST, LARGE) is not None
    shelf.put(tokens(3000), b"x" * 100)
    assert [shelf.find(tokens(number * 1000)) for number in range(4)] == [300, 0, 300, 300]
    assert sum(file.stat().st_size for file in shelves.files()) <= 3 * size
    # The order is known to the next process as well.
    again = shelves.open(most=3 * size)
    again.put(tokens(4000), b"x" * 100)
    assert [again.find(tokens(number * 1000)) for number in (0, 2, 3, 4)] == [300, 0, 300, 300]


def shelf_file_size(shelves: Shelves) -> int:
    shelves.open("measure").put(tokens(0), b"x" * 100)
    (file,) = shelves.files()
    size = file.stat().st_size
    file.unlink()
    return size


def age(shelves: Shelves, number: int) -> None:
    """Makes the newest file one of a time long ago, later for larger numbers."""
    newest = max(shelves.files(), key=lambda file: file.stat().st_mtime_ns)
    os.utime(newest, (1000 + number, 1000 + number))


def test_the_limit_is_for_all_models(shelves: Shelves) -> None:
    size = shelf_file_size(shelves)
    old = shelves.open("old", most=size)
    old.put(tokens(0), b"x" * 100)
    age(shelves, 0)
    shelves.open("new", most=size).put(tokens(0), b"x" * 100)
    assert len(shelves.files()) == 1
    # Whose file was removed by another process finds nothing, and thinks nothing of it.
    assert old.take(tokens(0), LEAST, LARGE) is None
    assert old.find(tokens(0)) == 0
    assert shelves.notes == []


def test_what_is_larger_than_the_limit_is_not_written(shelves: Shelves) -> None:
    shelf = shelves.open(most=1000)
    shelf.put(tokens(0), b"x" * 1000)
    assert shelves.files() == []


@pytest.mark.parametrize(
    ("damage", "when"),
    [
        (lambda raw: b"", "opened"),
        (lambda raw: raw[:20], "opened"),
        (lambda raw: raw[:-1], "opened"),
        (lambda raw: raw + b"x", "opened"),
        (lambda raw: b"X" + raw[1:], "opened"),
        (lambda raw: raw[:-40] + b"X" + raw[-39:], "taken"),
        (lambda raw: raw[:40] + b"X" + raw[41:], "taken"),
    ],
)
def test_a_damaged_file_is_ignored_with_a_word(shelves: Shelves, damage: object, when: str) -> None:
    assert callable(damage)
    shelves.open().put(tokens(0), b"state" * 100)
    (file,) = shelves.files()
    file.write_bytes(damage(file.read_bytes()))
    shelf = shelves.open()
    assert len(shelves.notes) == (1 if when == "opened" else 0)
    assert shelf.take(tokens(0), 1, LARGE) is None
    (note,) = shelves.notes
    assert str(file) in note
    assert "is not used" in note
    assert shelves.files() == []


def test_what_a_killed_process_left_is_cleared(shelves: Shelves) -> None:
    shelves.open().put(tokens(0), b"state")
    folder = shelves.files()[0].parent
    stale, recent = folder / "a.1.part", folder / "b.2.part"
    stale.write_bytes(b"x")
    os.utime(stale, (1000, 1000))
    recent.write_bytes(b"x")
    shelves.open()
    assert not stale.exists()
    assert recent.exists()


def test_a_disk_that_takes_nothing_is_noted(shelves: Shelves) -> None:
    shelf = shelves.open()
    folder = shelves.root / "model"
    folder.rmdir()
    folder.write_text("no folder any more")
    shelf.put(tokens(0), b"state")
    (note,) = shelves.notes
    assert "could not be kept" in note
    assert shelf.find(tokens(0)) == 0


def test_all_files_of_a_model_are_its_identity(tmp_path: Path) -> None:
    first, second = (tmp_path / f"m-{number:05}-of-00002.gguf" for number in (1, 2))
    first.write_bytes(b"header")
    second.write_bytes(b"weights")
    load = Load(str(first), 64, 1, 1, 0)
    before = identity(load, "library", 1)
    assert identity(load, "library", 1) == before
    assert identity(load, "library", 8) != before
    second.write_bytes(b"other weights")
    assert identity(load, "library", 1) != before


def test_other_programs_files_are_let_alone(shelves: Shelves) -> None:
    """A folder may be named that others use: Kivy's files, for one, end in .kv."""
    theirs = shelves.root / "app" / "main.kv"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"x" * 2000)
    os.utime(theirs, (1000, 1000))
    shelf = shelves.open(most=1500)
    shelf.put(tokens(0), b"state")
    assert theirs.exists()
    assert shelf.find(tokens(0)) == 300
