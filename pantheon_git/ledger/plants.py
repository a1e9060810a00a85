"""The plants of a night as its closing holds them: an envelope each, of a type that is no node's or job's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import dsse
from pantheon_git.ledger.layout import CLOSE, RUNS, find_signed
from pantheon_git.ledger.statement import CLOSED, PLANT, read
from pantheon_git.ledger.trust import NIGHT, TrustedKeys
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs

PLANTS = "plants"
"""Key in the info of a night's closing."""


@dataclass(frozen=True)
class Plant:
    """One plant's signed statement."""

    predicate: Mapping[str, Any]

    @property
    def bad(self) -> bool:
        return self.predicate["bad"] is True

    @property
    def sort(self) -> str:
        return str(self.predicate["sort"])

    @property
    def kind(self) -> str:
        return str(self.predicate["kind"])

    @property
    def job(self) -> str:
        return str(self.predicate["job"])

    @property
    def reviews(self) -> list[Mapping[str, Any]]:
        return list(self.predicate["reviews"])

    @property
    def seconds(self) -> float:
        return float(self.predicate["seconds"])


def plants_of(closing: Mapping[str, Any] | None, night: str, keys: TrustedKeys | None = None) -> Iterator[Plant]:
    """The plants in a closing's info. With `keys` each must be signed by one trusted for nights: TamperedError."""
    for text in (closing or {}).get(PLANTS, ()):
        try:
            data = str(text).encode()
            envelope = dsse.verified(data, keys) if keys is not None else dsse.parse(data)
            said = read(envelope.payload, PLANT)
            if keys is not None:
                keys.require(envelope.key_id, NIGHT, float(said["started"]))
            if said["night"] != night:
                raise TamperedError(f"a plant of night {said['night']} in the closing of night {night}")
        except KeyError as error:
            raise TamperedError(f"a plant of night {night} says nothing of {error}") from error
        yield Plant(said)


def planted_trees(objects: Objects, heads: Mapping[str, str] | None = None) -> frozenset[str]:
    """The trees of all plants that nights have signed, bad ones: what may never become a PR. Nights that cannot be read
    are `verify`'s to tell of. `heads`: the refs of nights, if they were read already."""
    heads = read_refs(objects.git, RUNS) if heads is None else heads
    return frozenset(tree for ref, head in heads.items() for tree in _trees(objects, ref.removeprefix(RUNS), head))


@lru_cache(maxsize=4096)
def _trees(objects: Objects, night: str, head: str) -> tuple[str, ...]:
    try:
        closed = find_signed(objects, objects.commit(head).tree, CLOSE, CLOSED)
        found = plants_of(closed.predicate["info"], night) if closed else ()
        return tuple(str(plant.predicate["tree"]) for plant in found if plant.bad)
    except PantheonError:
        return ()
