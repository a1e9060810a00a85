"""`pantheon-git doctor`: would a night run here, and what is missing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.output import JSON, print_json, style
from pantheon_git.errors import PantheonError


class Finding(NamedTuple):
    name: str
    level: str
    """`ok`; `note`: a night runs without it; `missing`: none can."""
    text: str
    hint: str = ""


@click.command()
@click.option(
    "--jail", is_flag=True, help="Also try to break out of the jail: some fifty probes, each with its control."
)
@JSON
@click.pass_context
def doctor(ctx: click.Context, jail: bool, as_json: bool) -> int:
    """Say whether a night would run here, and what is missing.

    Looks at git, the repository, the jail, the model, keys, policy and queue. Changes nothing. Exit code 1 when no
    night could run.
    """
    at = here(ctx)
    found = [finding for look in CHECKS for finding in _safely(look, at)]
    record: dict[str, Any] = {}
    if jail:
        found += _safely(partial(_probes, record), at)
    missing = [finding for finding in found if finding.level == "missing"]
    if as_json:
        told = {"would_run": not missing, "findings": [finding._asdict() for finding in found]}
        print_json({**told, "certificate": record} if jail else told)
        return 1 if missing else 0
    colours = {"ok": "green", "note": "yellow", "missing": "red"}
    for finding in found:
        click.echo(f"{style(finding.level.ljust(7), fg=colours[finding.level])}  {finding.name}: {finding.text}")
        if finding.hint and finding.level != "ok":
            click.echo(f"         → {finding.hint}")
    if record:
        from pantheon_git.cli.doctor_jail import show

        show(record)
    why = "; ".join(finding.name for finding in missing)
    click.echo(f"\nwould a night run now? {'no: ' + why if missing else 'yes'}")
    return 1 if missing else 0


def _safely(look: Callable[[Here], Iterator[Finding]], at: Here) -> list[Finding]:
    try:
        return list(look(at))
    except PantheonError as error:
        return [
            Finding(
                getattr(look, "__name__", "probes").strip("_"), "missing", error.message.replace("\n", "; "), error.hint
            )
        ]


def _git(at: Here) -> Iterator[Finding]:
    from pantheon_git.repo.git import require_supported, require_writable, version

    require_supported(at.git)
    require_writable(at.git)
    yield Finding("git", "ok", ".".join(map(str, version(at.git))))
    if at.git.run("show-ref", "--verify", "--quiet", "refs/heads/pantheon", check=False).code == 0:
        yield Finding(
            "branch 'pantheon'", "missing", "in the way of our branches pantheon/pr/…", "git branch -m pantheon OTHER"
        )
    if at.git.is_shallow:
        yield Finding("repository", "note", "shallow: what is not here cannot be verified", "git fetch --unshallow")


def _keys(at: Here) -> Iterator[Finding]:
    from pantheon_git.ledger.keyring import trusted
    from pantheon_git.ledger.signing import night_signer
    from pantheon_git.ledger.trust import NIGHT
    from pantheon_git.repo.objects import Objects

    key = night_signer(at.git)  # without asking: a night has nobody to ask either
    trusted(at.git, Objects(at.git)).keys.require(key.key_id, NIGHT, time.time())
    yield Finding("key", "ok", f"{key.key_id}, trusted")


def _jail(at: Here) -> Iterator[Finding]:
    from pantheon_git.jail.support import detect

    support = detect()
    if support.best is None:
        reason = "; ".join(dict.fromkeys(support.reasons.values()))
        yield Finding("jail", "missing", f"none can be built: {reason}", "apt install bubblewrap")
        return
    tree = "overlay" if support.overlay else "copies of the checkout (no overlay: slower)"
    yield Finding("jail", "ok", f"{support.best}, {tree}")
    if not support.bubblewrap:
        yield Finding("bubblewrap", "note", support.reasons.get("bubblewrap", "not here"), "apt install bubblewrap")


def _probes(record: dict[str, Any], at: Here) -> Iterator[Finding]:
    """What a night would sign of its jail; `record` is filled with all of it."""
    from pantheon_git.cli.doctor_jail import probe

    record.update(probe(at))
    told = f"{record['held']} of {len(record['probes'])} ways out work outside the jail and not inside"
    yield Finding("probes", "ok", told)
    for name in record["escaped"]:
        yield Finding(f"probe {name}", "missing", "works inside the jail too", "report this")


def _model(at: Here) -> Iterator[Finding]:
    from pantheon_git.engines import models

    if at.config.model_path:
        yield Finding("model", "ok", str(models.find(at.config.model_path)))
        return
    yield Finding("model", "ok", str(models.find(models.DEFAULT)))


def _guard(at: Here) -> Iterator[Finding]:
    from pantheon_git.night.guard import try_out

    try_out(at.git)
    yield Finding("guard", "ok", "a night has no network, no credentials and an empty home")


def _engine(at: Here) -> Iterator[Finding]:
    from importlib.util import find_spec

    if find_spec("openvino_genai") or find_spec("vllm"):
        yield Finding("engine", "ok", "openvino" if find_spec("openvino_genai") else "vllm")
    else:
        yield Finding("engine", "missing", "no engine is installed", "pip install 'pantheon-git[cpu]'")


def _queue(at: Here) -> Iterator[Finding]:
    from pantheon_git.night.plan import make_plan, resolve_target
    from pantheon_git.repo.objects import Objects

    plan = make_plan(at.git, Objects(at.git), resolve_target(at.git, at.config.target))
    text = f"{len(plan.runnable)} of {len(plan.tasks)} tasks would run"
    yield Finding("queue", "ok" if plan.runnable else "note", text, "pantheon-git add AGENT PATHS…, and commit")
    for broken in plan.broken:
        yield Finding(broken.path, "note", "; ".join(broken.faults), "pantheon-git check")


def _hook(at: Here) -> Iterator[Finding]:
    for program in ("ssh-keygen",):
        if shutil.which(program) is None:
            yield Finding(program, "note", "stock git needs it to show our signatures", "apt install openssh-client")
    from pantheon_git.day.hook import SUFFIX, hook_names, hook_state, hooks_folder

    folder = hooks_folder(at.git)
    if folder is None:
        yield Finding(
            "hooks", "note", "core.hooksPath is outside this repository: none of ours is there", "init --help"
        )
        return
    for name in hook_names(at.git):
        state = hook_state(folder / name)
        chained = ", after the one that was there" if (folder / f"{name}{SUFFIX}").exists() else ""
        if state == "ours":
            yield Finding(f"{name} hook", "ok", f"in place{chained}")
        else:
            text = "not installed" if state == "none" else "another program's"
            yield Finding(f"{name} hook", "note", f"{text}; verify and pr merge do not need it", "pantheon-git init")


CHECKS = (_git, _keys, _guard, _jail, _engine, _model, _queue, _hook)
