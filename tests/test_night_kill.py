"""`kill -9` of the runner at random moments: the next night finishes everything, exactly once, and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.night_kit import State, adopt_orphans, children, finish, kills, queued_repo, require_no_strays, require_whole

pytestmark = pytest.mark.jail
DOCUMENTS = 48


def test_eight_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Eight nights in a row are killed, from their first tenths of a second on; the ninth ends the work."""
    adopt_orphans()
    repo = queued_repo(tmp_path / "repo", DOCUMENTS)
    before, alive = State.of(repo), children()
    cut = kills(repo, 8, seed=20261125, longest=2.5)
    assert cut >= 4, "the kills came too late to prove anything"
    finish(repo)
    require_no_strays(alive)
    require_whole(repo, DOCUMENTS, before)
