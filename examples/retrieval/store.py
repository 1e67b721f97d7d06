"""The vector store: passages and their vectors in a folder of two files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from examples.retrieval.passages import Passage

try:
    from usearch.index import Index
except ImportError:
    raise SystemExit("the vector store needs usearch: pip install '.[backend,examples]'") from None

_VECTORS = "vectors.usearch"
_PASSAGES = "passages.json"


class StoreError(Exception):
    """The store cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage and how close it is to what was asked: a cosine, 1 for the same direction."""

    passage: Passage
    closeness: float


class Store:
    """Finds passages by their vectors.

    Attributes:
        model: Who made the vectors: those of another model cannot be compared with them.
    """

    def __init__(self, model: str, passages: Sequence[Passage], index: Index) -> None:
        self.model = model
        self._passages = passages
        self._index = index

    @classmethod
    def of(
        cls, model: str, passages: Sequence[Passage], vectors: Sequence[Sequence[float]]
    ) -> Store:
        """A new store of at least one passage, with a vector for each."""
        index = Index(ndim=len(vectors[0]), metric="cos", dtype="f32")
        index.add(np.arange(len(passages)), np.asarray(vectors, np.float32))
        return cls(model, passages, index)

    def save(self, folder: Path) -> None:
        """Writes the store; one that was there before is replaced.

        Raises:
            OSError: The folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        vectors = bytes(self._index.save() or b"")
        digest = hashlib.sha256(vectors).hexdigest()
        passages = [asdict(passage) for passage in self._passages]
        known = {"model": self.model, "vectors": digest, "passages": passages}
        (folder / _VECTORS).write_bytes(vectors)
        (folder / _PASSAGES).write_text(json.dumps(known, indent=1), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Reads a store.

        Raises:
            StoreError: There is none, or its files are damaged or do not belong together.
        """
        again = f"make it with: python -m examples.retrieval.index --store {folder}"
        try:
            known = json.loads((folder / _PASSAGES).read_text(encoding="utf-8"))
            vectors = (folder / _VECTORS).read_bytes()
            passages = [Passage(**fields) for fields in known["passages"]]
            model, digest = known["model"], known["vectors"]
        except FileNotFoundError:
            raise StoreError(f"there is no store in {folder}: {again}") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(f"the store in {folder} cannot be read ({error}): {again}") from None
        # Checked first: a damaged index may be read as one with other vectors.
        if hashlib.sha256(vectors).hexdigest() != digest:
            raise StoreError(f"the files in {folder} do not belong together: {again}")
        index = Index.restore(vectors)
        if index is None or len(index) != len(passages):
            raise StoreError(f"the store in {folder} has no vector for each passage: {again}")
        return cls(model, passages, index)

    def nearest(self, vector: Sequence[float], count: int) -> list[Found]:
        """The passages closest to a vector, the closest first.

        Raises:
            StoreError: The vector is of another length than those in the store.
        """
        if len(vector) != self._index.ndim:
            raise StoreError(
                f"the vectors in the store have {self._index.ndim} numbers and the question's has"
                f" {len(vector)}: index the documents again"
            )
        # Exact: until there are some 100,000 passages, comparing with all of them takes no time.
        matches = self._index.search(np.asarray(vector, np.float32), count, exact=True)
        return [
            Found(self._passages[int(key)], 1.0 - float(distance))
            for key, distance in zip(matches.keys, matches.distances, strict=True)
        ]
