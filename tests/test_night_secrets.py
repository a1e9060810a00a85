"""A real night on a machine that has secrets lying about: what a command prints never reaches the repository."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pantheon_git.ledger import read
from pantheon_git.ledger.redact import REDACTED
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import cli, put
from tests.night_kit import commit, night, queued_repo, task
from tests.secret_kit import KINDS
from tests.test_ledger_redact import every_object, gone

pytestmark = pytest.mark.jail


def test_secrets_of_a_shared_folder_stay_out_of_the_ledger(tmp_path: Path) -> None:
    """A folder that is not tracked is shared with the job; its command prints it plain and in base64, writes it into
    the document, and fails. The breadcrumb tells all but the secrets; `replay` says what was recorded without them."""
    repo = queued_repo(tmp_path / "repo", 1)
    chance = random.Random(21)
    secrets = {kind: make(chance) for kind, make in KINDS.items()}
    put(repo / "vendor/secrets.txt", "\n\n".join(secrets.values()) + "\n")
    put(repo / ".gitignore", "vendor/\n")
    put(repo / ".pantheon/policy.toml", 'schema = 1\nshare = ["vendor"]\n')
    command = "cat vendor/secrets.txt; base64 vendor/secrets.txt >&2; cat vendor/secrets.txt >> docs/d000.md; false"
    criteria = f"[[goal.acceptance]]\ntext = 'it fails'\ncheck = {json.dumps(command)}\n"
    put(repo / ".pantheon/queue/t000.toml", task("docs/d000.md", flow="doc.frontmatter") + criteria)
    commit(repo, "Ask")
    night(repo)
    at = Git.discover(repo)
    objects = Objects(at)
    entry = read.job(at, objects, "t000")
    assert entry.ending == "failed", entry.reason
    kept = every_object(at)
    assert [kind for kind, secret in secrets.items() if not gone(secret, kept)] == []
    assert summarise(verify(at, TrustedKeys.load(paths.trust_file()))).first is None
    accept = entry.node("accept")
    assert sum(accept.details[REDACTED]["stdout.log"].values()) >= len(KINDS)
    assert "redacted in accept/stdout.log" in cli(repo, "trace", "t000").out
    replayed = cli(repo, "replay", "t000")
    assert "accept: recorded without the secrets in" in replayed.err, replayed.both
