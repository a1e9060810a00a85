"""The state machine of rewriting at full size: `python -m tests.rewrite_kit [EXAMPLES] [STEPS]`, else 60 and 25."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.test_ledger_rewrite import Rewriting


def main(words: list[str]) -> None:
    examples, steps = (int(word) for word in [*words, *["60", "25"][len(words) :]])
    with tempfile.TemporaryDirectory(prefix="rewrite-home-") as folder:
        (Path(folder) / ".gitconfig").write_text("[user]\n\tname = Kit\n\temail = kit@example.org\n")
        os.environ |= {"HOME": folder} | {f"XDG_{name}_HOME": f"{folder}/{name}" for name in ("CONFIG", "STATE")}
        started = time.perf_counter()
        run_state_machine_as_test(
            Rewriting,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        seconds = time.perf_counter() - started
    print(f"{examples} histories of up to {steps} steps: every entry found, verified and told; {seconds:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
