"""What one decode holds: answers, or parts of prompts, never both.

While somebody is answering and prompts are to be read, decodes for answers and decodes for prompts
take turns: an answer is held up by one step of limited size, and pays for no row of a prompt.

Parts of prompts are whole tiles. Attention takes so many rows of a batch together and computes, for
each of them, the cells of every sequence that one of them belongs to: prompts read side by side in
small parts would pay for each other. So few are read in a step: half of it is the oldest one's, so
that it never starves; then those nearest to their end go first, so that a short prompt does not
wait behind long ones.

Where sequences have buffers of their own llama.cpp computes together what is in buffers that follow
each other, in their order: so the parts of a batch are in that order.
"""

from __future__ import annotations

from backend.engine.jobs import Board, Job
from backend.engine.plan import Chunk

_TILE = 64
"""Rows that llama.cpp's attention takes together on a CPU."""


def fill(board: Board) -> list[Chunk]:
    """The chunks of the next decode."""
    chunks = _chosen(board)
    return sorted(chunks, key=lambda chunk: chunk.seq) if board.limits.divided else chunks


def _chosen(board: Board) -> list[Chunk]:
    rests = {job: board.rest(job) for job in board.live if job.leader is None}
    answering = [job for job, rest in rests.items() if rest == 1]
    reading = {job: rest for job, rest in rests.items() if rest > 1}
    if answering and (board.answers_due or not reading):
        return [_chunk(board, job, 1) for job in answering]
    if not reading:
        return []
    room = min(board.limits.batch, board.limits.busy_batch) if answering else board.limits.batch
    parts = _parts(reading, _oldest(board), room)
    # Tiles stay whole when those that fill none come last.
    ordered = sorted(parts.items(), key=lambda part: part[1] % _TILE > 0)
    return [_chunk(board, job, size) for job, size in ordered]


def _oldest(board: Board) -> Job:
    """The prompt to be read that the oldest request waits for: its own, or its leader's."""
    roots = (job.root for job in sorted(board.live, key=lambda job: job.arrival))
    return next(root for root in roots if board.rest(root) > 1)


def _parts(rests: dict[Job, int], oldest: Job, room: int) -> dict[Job, int]:
    """How much is read of each prompt; none of it of most, when there are many."""
    half = (room + 1) // 2
    tile = min(_TILE, half)
    parts = {oldest: _part(rests[oldest], half, tile)}
    left = {**rests, oldest: rests[oldest] - parts[oldest]}
    unused = room - parts[oldest]
    for job in sorted(left, key=lambda job: (left[job], job.arrival)):
        size = _part(left[job], unused, tile)
        parts[job] = parts.get(job, 0) + size
        unused -= size
    return {job: size for job, size in parts.items() if size}


def _part(rest: int, room: int, tile: int) -> int:
    """All of a prompt's rest, or whole tiles of it."""
    return rest if rest <= room else room - room % tile


def _chunk(board: Board, job: Job, size: int) -> Chunk:
    assert job.seq is not None
    start = board.stored(job)
    tokens = tuple(job.tokens[start : start + size])
    return Chunk(job.id, job.seq, start, tokens, start + size == len(job.tokens))
