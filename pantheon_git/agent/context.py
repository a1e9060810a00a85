"""What fits: the prompt's tokens are measured before each call, and cut by one stated rule that leaves a record.

The rule: the system part, the examples and the goals are never cut. The results shown are pieces of text; first each
is cut to the agent's own cap (`settings.piece_tokens`), then, while the whole does not fit, the longest piece (the
oldest of equals) is cut to half at a word, and dropped below 80 characters. With no piece left, the run stops with
`context`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Count = Callable[[str], int]
SHORTEST = 80
"""Characters below which a piece is dropped rather than cut."""


@dataclass(frozen=True)
class Piece:
    """One value of one result, as the model sees it."""

    source: str
    """`TOOL.KEY`"""
    label: str
    text: str


@dataclass(frozen=True)
class Fitted:
    prompt: str
    tokens: int
    cuts: tuple[dict[str, Any], ...] = field(default=())
    """Each: piece, tokens_before, tokens_after, why (`cap` or `context`)."""


def fit(
    compose: Callable[[Sequence[Piece]], str], pieces: Sequence[Piece], room: int, cap: int | None, count: Count
) -> Fitted | None:
    """The prompt of the pieces within `room` tokens; None where it does not fit with all of them gone."""
    cuts: list[dict[str, Any]] = []
    kept = [_capped(piece, cap, count, cuts) for piece in pieces]
    while (tokens := count(prompt := compose(kept))) > room:
        if not kept:
            return None
        longest = max(range(len(kept)), key=lambda number: len(kept[number].text))
        piece = kept[longest]
        shorter = _halved(piece)
        cuts.append(_cut(piece, shorter, count, "context"))
        kept[longest : longest + 1] = [shorter] if shorter else []
    return Fitted(prompt, tokens, tuple(cuts))


def _capped(piece: Piece, cap: int | None, count: Count, cuts: list[dict[str, Any]]) -> Piece:
    if cap is None or (tokens := count(piece.text)) <= cap:
        return piece
    shorter = piece
    while tokens > cap:
        shorter = replace(piece, text=_at_word(shorter.text, max(1, len(shorter.text) * cap // tokens - 1)))
        tokens = count(shorter.text)
    cuts.append(_cut(piece, shorter, count, "cap"))
    return shorter


def _halved(piece: Piece) -> Piece | None:
    half = len(piece.text) // 2
    return replace(piece, text=_at_word(piece.text, half)) if half >= SHORTEST else None


def _at_word(text: str, length: int) -> str:
    """At most `length` characters, whole sentences if that keeps half of it, else whole words."""
    head = text[:length]
    sentence = max(head.rfind(mark) for mark in (". ", "! ", "? ", "。"))
    if sentence >= length // 2:
        return head[: sentence + 1]
    return head.rpartition(" ")[0] or head


def _cut(piece: Piece, shorter: Piece | None, count: Count, why: str) -> dict[str, Any]:
    after = count(shorter.text) if shorter else 0
    return {"piece": piece.source, "tokens_before": count(piece.text), "tokens_after": after, "why": why}
