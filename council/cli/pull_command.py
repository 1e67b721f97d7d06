"""`council pull`: GGUF files from the Hugging Face Hub."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.store_options import errors_told
from council.cli.terminal import answer, harmless, say

if TYPE_CHECKING:
    from council.hub.listing import RemoteFile, Repository

_PLAIN = re.compile(r"[\w./+\-~]+")  # what YAML takes as a text without quotes
_TENTHS = 10


def pull_command(
    source: Annotated[
        str,
        typer.Argument(
            help="OWNER/NAME/FILE.gguf, or OWNER/NAME to list its files.", metavar="REPO"
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option(help="Into this folder, instead of the usual one.", metavar="DIR"),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="A branch, tag or commit.", metavar="REVISION")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Bring a GGUF model to this machine; a download that broke off goes on where it was.

    Without a file, list the GGUF files of a repository. Standard output has the line that a panel
    needs. HF_TOKEN (also from `council keys`), HF_ENDPOINT and HF_HUB_OFFLINE are respected. The
    usual folder is COUNCIL_MODELS, or one in your data directory.

    \b
    Examples:
      council pull Qwen/Qwen2.5-0.5B-Instruct-GGUF
      council pull Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q4_k_m.gguf

    \b
    Exit codes: 0 it is there, 1 the hub failed, 2 usage, no such file or no leave, 130 interrupted.
    """
    with errors_told():
        from council.hub.address import read_address
        from council.hub.listing import read_repository

        address = read_address(source)
        repository = read_repository(address.repo, revision or address.revision)
        if not address.file:
            _list(repository)
            return
        files = repository.wanted(address.file)
        targets = [_target(repository, file, to) for file in files]
        for file, target in zip(files, targets, strict=True):
            _fetch(repository, file, target, quiet=quiet)
        _tell_line(targets[0])


def _list(repository: Repository) -> None:
    from council.config.model_folder import in_words

    width = max(len(file.path) for file in repository.files)
    for file in repository.files:
        answer(f"{harmless(file.path):<{width}}  {in_words(file.size)}")
    say(f"council pull {repository.name}/{repository.files[0].path} would bring the first one")


def _target(repository: Repository, file: RemoteFile, to: Path | None) -> Path:
    from council.config.model_folder import model_folder

    if to is not None:
        return (to.expanduser() / Path(file.path).name).absolute()
    return (model_folder() / repository.name / file.path).absolute()


def _fetch(repository: Repository, file: RemoteFile, target: Path, *, quiet: bool) -> None:
    from council.config.model_folder import in_words
    from council.hub.download import fetch

    with _progress(Path(file.path).name, file.size, quiet=quiet) as tell:
        fetched = fetch(repository, file, target, tell)
    if not quiet:
        verb = "pulled" if fetched else "already there:"
        say(f"{verb} {target} ({in_words(file.size)}, checksum right)")


def _tell_line(path: Path) -> None:
    """The line of a panel that uses a model file."""
    import json

    text = str(path)
    answer(f"- {{model: {text if _PLAIN.fullmatch(text) else json.dumps(text)}}}")


@contextmanager
def _progress(name: str, size: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """What to tell how many bytes there are: a bar on a terminal, else a line for each tenth."""
    if quiet:
        yield lambda done: None
    elif sys.stderr is not None and sys.stderr.isatty():
        with _bar(harmless(name), size) as tell:
            yield tell
    else:
        yield _lines(name, size)


@contextmanager
def _bar(name: str, size: int) -> Iterator[Callable[[int], None]]:
    # Imported when there is something to show, as for `council run`.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    rates = (TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, *rates, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name.replace("[", "\\["), total=size)
        yield lambda done: bar.update(task, completed=done)


def _lines(name: str, size: int) -> Callable[[int], None]:
    from council.config.model_folder import in_words

    said = -1

    def tell(done: int) -> None:
        nonlocal said
        tenth = done * _TENTHS // size if size else _TENTHS
        if tenth > said:
            said = tenth
            say(f"{name}: {in_words(done)} of {in_words(size)}")

    return tell
