"""`pantheon-git add`: one task file for each path."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.output import DRY_RUN, JSON, print_json, printable, say
from pantheon_git.cli.settled import settled
from pantheon_git.errors import PantheonError

if TYPE_CHECKING:
    from pantheon_git.day.harbor import Imported
    from pantheon_git.spec.agent import Agent, Queue
    from pantheon_git.spec.policy import Policy


@click.command()
@click.argument("agent")
@click.argument("paths", nargs=-1, required=True)
@click.option("--goal", metavar="TEXT", help="What is asked for; {path} stands for the path.")
@click.option("--accept", multiple=True, metavar="TEXT", help="What must hold afterwards. Repeatable.")
@click.option(
    "--check",
    "checks",
    multiple=True,
    metavar="COMMAND",
    help="A command that must succeed afterwards; it runs in the job's jail. Repeatable.",
)
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of the agent. Repeatable.")
@click.option(
    "--scope",
    multiple=True,
    metavar="GLOB",
    help="What the job may change, where the agent's own choice is not right; {path}, {dir} … of the file.",
)
@click.option("--flow", metavar="NAME", help="Flow to run through, where the agent alone does not decide.")
@click.option("--needs", multiple=True, metavar="ID", help="A task that must be merged first. Repeatable.")
@click.option("--priority", default=0, show_default=True, help="Higher runs earlier.")
@click.option(
    "--from-harbor",
    "harbor",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The task.toml of a Harbor task: one task over all PATHS, with its instruction.md as the goal.",
)
@click.option("--again", is_flag=True, help="Also paths that a task of this agent has already.")
@DRY_RUN
@JSON
@click.pass_context
def add(
    ctx: click.Context, /, agent: str, paths: tuple[str, ...], dry_run: bool, as_json: bool, **options: Any
) -> None:
    """Queue work: one task file for each path.

    PATHS are git's pathspecs: a file, a folder, or a quoted pattern such as 'docs/*.md'. Only tracked files count.
    A task runs once its file is committed.

    \b
    pantheon-git add doc.frontmatter docs 'guides/*.md'
    git add .pantheon/queue && git commit -m 'Queue front matter'
    """
    from pantheon_git.day import queue, references
    from pantheon_git.day.staging import to_commit

    at = here(ctx)
    settled(at)
    imported = _harbor(at, options) if options["harbor"] else None
    manifest = _specialist(at, agent)
    template, wants = _template(manifest, options), _wants(manifest, options)
    whole = wants.references and references.is_folder(at.cwd, paths, template.params)
    selected = (queue.Selected([_folder(at, paths[0])], []) if whole
                else queue.select(at.git, at.cwd, paths, agent, wants))  # fmt: skip
    if selected.faults:
        raise PantheonError("\n".join(selected.faults), "git ls-files shows what is tracked; nothing was queued")
    have = (
        {} if options["again"] or imported else queue.already_queued(at.root, selected.paths, agent, manifest.loop.over)
    )
    fresh = [path for path in selected.paths if path not in have]
    if wants.references and not whole:
        named = {path for path in fresh if any((at.cwd / text).samefile(at.root / path) for text in paths
                                               if (at.cwd / text).exists())}  # fmt: skip
        fresh = [path for path in fresh if path in named or path in references.badly_named([path])]

    def taken(id_: str) -> bool:
        return (at.root / queue.QUEUE / f"{id_}.toml").exists()

    tasks = ([queue.one_task(imported.name, fresh, taken, template)] if imported
             else queue.make_tasks(fresh, taken, template, wants))  # fmt: skip
    notes: list[str] = []
    if wants.references and tasks:
        looked = references.scoped(at.git, at.root, tasks, policy_of(at).gate.forbidden_paths)
        tasks, notes = looked.tasks, looked.notes
    if tasks and any(tool.startswith("frontmatter.") for tool in manifest.tools):
        from pantheon_git.day.keys import totals

        notes += totals(at.git, at.root, fresh)
    if not dry_run:
        queue.write(at.root, tasks)
    if as_json:
        told = {"mapped": imported.mapped, "unmapped": imported.unmapped} if imported else {}
        print_json([{"id": task.id, "path": task.path, "file": task.file, **told} for task in tasks])
        return
    for line in [*imported.mapped, *(f"not mapped: {line}" for line in imported.unmapped)] if imported else ():
        say(printable(line))
    for task in tasks:
        click.echo(f"{task.file}  {printable(task.path)}")
    for note in notes:
        say(f"note: {printable(note)}")
    for path, id_ in have.items():
        say(f"already queued: {printable(path)} ({id_})")
    verb = "would queue" if dry_run else "queued"
    say(f"{verb} {len(tasks)} task{'s' * (len(tasks) != 1)}" + (f", {len(have)} already queued" if have else ""))
    if tasks and not dry_run:
        say(f"next: {to_commit(at.git, '.pantheon/queue', 'Queue tasks')}, then: pantheon-git run")


def policy_of(at: Here) -> Policy:
    """The policy as it stands in the work tree."""
    from pantheon_git.spec.load import load
    from pantheon_git.spec.policy import Policy

    file = at.root / ".pantheon/policy.toml"
    return load(Policy, file.read_bytes(), ".pantheon/policy.toml") if file.is_file() else Policy()


def _harbor(at: Here, options: dict[str, Any]) -> Imported:
    """The Harbor task; what it says goes into `options`, unless the command line says otherwise."""
    from pathlib import Path

    from pantheon_git.day.harbor import read_harbor

    found = read_harbor(Path(options["harbor"]), policy_of(at))
    options["goal"] = options["goal"] or found.goal
    options.update(limits=found.limits, tier=found.tier)
    return found


def _folder(at: Here, argument: str) -> str:
    """A folder that is to be moved, from the root, with a `/` behind it."""
    return f"{(at.cwd / argument).resolve().relative_to(at.root.resolve()).as_posix()}/"


def _specialist(at: Here, name: str) -> Agent:
    """The manifest of the specialist, of this work tree or of the stock; PantheonError names the nearest."""
    from pantheon_git.agent.load import FolderReader, load_from
    from pantheon_git.agent.stock import stock_dir

    agents = load_from(FolderReader(stock_dir()), "stock")
    if (at.root / "agents").is_dir():
        agents |= load_from(FolderReader(at.root / "agents"), "commit")
    specialists = sorted(name for name, loaded in agents.items() if loaded.agent.kind == "specialist")
    if name not in specialists:
        close = difflib.get_close_matches(name, specialists, n=1, cutoff=0.4)
        nearest = f"; did you mean {close[0]!r}?" if close else ""
        raise PantheonError(f"there is no specialist {name!r}{nearest}", f"known: {', '.join(specialists)}")
    return agents[name].agent


def _wants(agent: Agent, options: dict[str, Any]) -> Queue:
    """How the agent's tasks are made; `--scope` takes the place of its own scope."""
    scope = options["scope"]
    return agent.queue.model_copy(update={"scope": tuple(scope)}) if scope else agent.queue


def _template(agent: Agent, options: dict[str, Any]) -> Any:
    """The task that all paths share; everything that can be wrong with it is said now."""
    from pydantic import ValidationError

    from pantheon_git.spec.task import Task

    summary = options["goal"] or agent.goal or f"{agent.name}: {{path}}"
    raw = {
        "flow": options["flow"],
        "agent": agent.name,
        "params": dict(param(text) for text in options["params"]),
        "scope": {"paths": ["filled in for each path"]},
        "goal": {"summary": summary, "acceptance": _acceptance(options)},
        "priority": options["priority"],
        "needs": options["needs"],
        "limits": options.get("limits", {}),
        "tier": options.get("tier", 1),
    }
    try:
        return Task.model_validate(raw)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise PantheonError("\n".join(faults), "pantheon-git schema task") from error


def _acceptance(options: dict[str, Any]) -> list[dict[str, str]]:
    checks = [{"text": f"`{command}` succeeds", "check": command} for command in options["checks"]]
    return [*({"text": text} for text in options["accept"]), *checks]


def param(text: str) -> tuple[str, Any]:
    """`KEY=VALUE`: VALUE as TOML where it is TOML, else as the text it is."""
    import tomllib

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise PantheonError(f"--param {text!r} is not KEY=VALUE", "--param format=yaml")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value
