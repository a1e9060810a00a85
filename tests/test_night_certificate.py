"""The certificate: what the jail was shown to hold, signed before the first job; an escape stops the night."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.errors import JailError
from pantheon_git.jail.attest import Finding
from pantheon_git.ledger import read
from pantheon_git.night import certificate as certificates
from pantheon_git.night.certificate import NOT_MADE, Certificate, describe_certificate, require_held, secrets
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import cli, put
from tests.night_kit import night, queued_repo


def certificate(*verdicts: str) -> Certificate:
    findings = [Finding("area", f"way {n}", verdict, "outside", "inside") for n, verdict in enumerate(verdicts)]  # type: ignore[arg-type]
    return Certificate("bubblewrap", findings, {}, 1.0)


def opening(repo: Path) -> dict[str, object]:
    found = Git.discover(repo)
    return dict(read.nights(found, Objects(found))[-1].info["certificate"])


@pytest.mark.jail
def test_run_signs_what_its_jail_holds(tmp_path: Path) -> None:
    """A plain run probes first; the signed opening names every probe, the report has a line, and verify is good."""
    repo = queued_repo(tmp_path / "repo", 1)
    put(repo / ".env", "SECRET=sesame\n")
    done = cli(repo, "run", "--engine=control", check=True)
    record = opening(repo)
    assert (record["made"], record["escaped"]) == (True, [])
    probes = record["probes"]
    assert isinstance(probes, list)
    assert len(probes) > 45
    assert {"read the key night", "read .env of the checkout"} <= {
        name for _, name, verdict, _ in probes if verdict == "held"
    }
    line = describe_certificate(record)
    assert f"{record['held']} of {len(probes)} ways out" in line
    assert line in done.both
    assert line in " ".join(cli(repo, "report", check=True).out.split())
    assert cli(repo, "verify").code == 0


def test_a_night_of_a_test_says_that_it_has_none(tmp_path: Path) -> None:
    """In its own process, without the guard, a night pays for no probe and does not pretend."""
    repo = queued_repo(tmp_path / "repo", 1)
    night(repo)
    assert opening(repo) == NOT_MADE
    assert "NO CERTIFICATE" in describe_certificate(NOT_MADE)


@pytest.mark.jail
def test_an_escape_stops_the_night_before_its_first_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that a job can read is found out; no job runs, and nothing is recorded."""
    repo = queued_repo(tmp_path / "repo", 1)
    # nobody keeps a key where jobs may read, and this test does not put one into /usr
    monkeypatch.setattr(certificates, "secrets", lambda git: {"a key in /usr": Path("/usr/bin/env")})
    guard: Any = object()  # what the guard found is looked at after the certificate, and so never here
    with pytest.raises(JailError, match="so nothing runs: works inside it too: secrets: read a key in /usr"):
        night(repo, guard=guard)
    assert read.nights(Git.discover(repo), Objects(Git.discover(repo))) == []
    assert not [*(paths.state_dir(Git.discover(repo)) / "look").iterdir()]


def test_only_an_escape_stops() -> None:
    """Held passes; what is not provable here neither passes nor stops; one escape is told by its name."""
    require_held(certificate("held", "not provable here"))
    with pytest.raises(JailError, match="works inside it too: area: way 1 \\(inside\\)"):
        require_held(certificate("held", "escaped", "escaped"))


def test_the_record_counts(tmp_path: Path) -> None:
    """Held, escaped and not provable are told apart, and the line says all three."""
    record = certificate("held", "held", "escaped", "not provable here").record()
    assert json.loads(json.dumps(record)) == record
    assert (record["held"], record["escaped"], record["not_provable"]) == (2, ["way 2"], {"way 3": "outside"})
    line = describe_certificate(record)
    assert (
        line
        == "jail bubblewrap: 2 of 4 ways out work outside the jail and not inside, 1 not provable here; ESCAPED: way 2"
    )


def test_secrets_are_what_is_there(tmp_path: Path) -> None:
    """Keys, trust, a person's credentials, `.env` files: those that exist, and no folder."""
    repo = queued_repo(tmp_path / "repo", 1)
    put(Path.home() / ".ssh/id_ed25519", "private")
    put(repo / ".env.local", "x")
    (repo / ".env").mkdir()
    found = secrets(Git.discover(repo))
    assert found["the key night"] == paths.night_key()
    assert {"~/.ssh/id_ed25519", "~/.gitconfig", ".env.local of the checkout", "the trusted keys"} <= found.keys()
    assert ".env of the checkout" not in found
