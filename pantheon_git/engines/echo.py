"""Which log-probabilities an echo brought back, and a memory for those that the prefix cache swallowed.

The pipeline echoes only tokens that it computes: with prefix caching it skips what it has seen, and the first token
after the cached part too (its probability comes from the last cached position). Tried with openvino-genai 2026.4:
of a 312-token request with 288 cached tokens come back 24 numbers, 23 for tokens 289 to 311 and one for the generated
token.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence

REMEMBERED = 65_536
"""Token positions kept: about 10 MB, some thousand scored texts."""


def echoed(total: int, logprobs: Sequence[float]) -> dict[int, float]:
    """Position in the request -> log-probability of the token there, for a request of `total` tokens.

    `logprobs` is as read from the pipeline: a placeholder for token 0 when nothing was cached, then one number for each
    computed token, then one for the single generated token.
    """
    known = list(logprobs[:-1])
    if len(known) == total:
        known = known[1:]
    return dict(enumerate(known, start=total - len(known)))


class Memory:
    """Log-probability of a token after all the tokens before it, for tokens that were echoed earlier."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._known: OrderedDict[bytes, float] = OrderedDict()

    def recall(self, ids: Sequence[int], start: int) -> dict[int, float]:
        """What is known of the positions from `start` on."""
        return {at: self._known[key] for at, key in _keys(ids, start) if key in self._known}

    def keep(self, ids: Sequence[int], start: int, logprobs: dict[int, float]) -> None:
        for at, key in _keys(ids, start):
            if at in logprobs:
                self._known[key] = logprobs[at]
                self._known.move_to_end(key)
        while len(self._known) > self._size:
            self._known.popitem(last=False)


def _keys(ids: Sequence[int], start: int) -> list[tuple[int, bytes]]:
    """Position -> digest of everything up to and including its token."""
    running = hashlib.blake2b(array("q", ids[:start]).tobytes(), digest_size=16)
    keys = []
    for at in range(start, len(ids)):
        running.update(array("q", ids[at : at + 1]).tobytes())
        keys.append((at, running.digest()))
    return keys
