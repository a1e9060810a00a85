"""`python -m tests.tamper_kit --mutations 2000 --seed N`: random attacks of every class on a truly signed ledger.

Each must be found (exit code 2: tampered, or 1: malformed) and named. Prints a table; exit code 1 when one was not.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pantheon_git.ledger.verdict import JobVerdict, Summary
from tests.conftest import isolate
from tests.tamper_attacks import ATTACKS, Named
from tests.tamper_world import World, world


@dataclass(frozen=True)
class Tried:
    attack: str
    seed: str
    """Of this attack alone: it can be repeated."""
    named: Named
    """What one verdict had to say."""
    changed: bool
    """Some attacks happen to change nothing."""
    found: list[JobVerdict]

    @property
    def exit_code(self) -> int:
        return max((verdict.exit_code for verdict in self.found), default=0)

    @property
    def ok(self) -> bool:
        return any(all(word in str(verdict) for word in self.named) for verdict in self.found)

    @property
    def first(self) -> JobVerdict | None:
        summary = Summary()
        for verdict in self.found:
            summary.add(verdict)
        return summary.first


def attack(at: World, name: str, seed: str) -> Tried:
    """One attack on the ledger as it was signed."""
    at.begin()
    named = ATTACKS[name](at, random.Random(seed))
    return Tried(name, seed, named, at.refs != at.honest, at.found())


def attacks(at: World, count: int, seed: int) -> Iterator[Tried]:
    """`count` attacks that change something, the classes one after another."""
    done = 0
    for number, name in enumerate(itertools.cycle(ATTACKS)):
        tried = attack(at, name, f"{seed}/{number}/{name}")
        if tried.changed:
            yield tried
            done += 1
        if done == count:
            return


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", action="store_true", help="ask hooks/pantheon-verify.py too: it must say the same")
    asked = parser.parse_args()
    from tests.standalone_kit import disagreement, load  # it knows this module's words

    alone, apart = load() if asked.file else None, []
    started, counts, wrong = time.perf_counter(), {name: [0, 0] for name in ATTACKS}, []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        isolate(patch, Path(folder) / "home")
        at = world(Path(folder))
        if at.found():
            raise SystemExit(f"the untouched ledger is not good: {at.found()[0]}")
        for tried in attacks(at, asked.mutations, asked.seed):
            counts[tried.attack][0] += 1
            counts[tried.attack][1] += tried.ok
            if not tried.ok:
                wrong.append(tried)
            if alone is not None and (said := disagreement(alone, at, tried)):
                apart.append(said)
    for name, (count, found) in counts.items():
        say(f"{name:46} {count:6} {found:6}")
    total, found = (sum(pair[n] for pair in counts.values()) for n in (0, 1))
    say(f"{'all':46} {total:6} {found:6}   {100 * found / total:.2f} % found and named")
    say(f"{1000 * (time.perf_counter() - started) / total:.0f} ms each, {os.cpu_count()} cores")
    if alone is not None:
        say(f"the file that stands alone says the same of {total - len(apart)} of {total}")
    for line in apart[:20]:
        say(line)
    for tried in wrong[:20]:
        say(f"NOT FOUND OR NAMED: {tried.seed}: wanted {tried.named}; said {[str(v) for v in tried.found]}")
    return 1 if wrong or apart else 0


if __name__ == "__main__":
    sys.exit(main())
