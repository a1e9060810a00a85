"""`pantheon-git init`: everything it changes is said, one line each."""

from __future__ import annotations

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import DRY_RUN, say, style


@click.command()
@click.option("--share", multiple=True, metavar="FOLDER", help="An untracked folder that jobs may read. Repeatable.")
@click.option("--flows", is_flag=True, help="Copy the stock flows into .pantheon/flows/, to edit them.")
@click.option("--no-hook", is_flag=True, help="Install no hooks.")
@DRY_RUN
@click.pass_context
def init(ctx: click.Context, share: tuple[str, ...], flows: bool, no_hook: bool, dry_run: bool) -> None:
    """Set this repository up: .pantheon/, keys, git config, hooks.

    The hooks are guard rails: pre-commit checks queue files, pre-push verifies what leaves of the ledger,
    reference-transaction keeps the ledger and protected branches from being deleted or rewound. In a bare repository
    that a team pushes to it is pre-receive in place of the first two. Hooks that are there run first.

    Safe to run again: it makes only what is missing and never edits a file of yours. Nothing is committed or pushed,
    and plain `git push` and `git fetch` go on doing what they did.
    """
    from pantheon_git.day.hook import shared_hooks, shipped
    from pantheon_git.day.scaffold import Choices, advice, plan_init
    from pantheon_git.day.staging import to_commit
    from pantheon_git.repo.git import require_supported

    git = here(ctx).git
    require_supported(git)
    choices = Choices(share, flows, not no_hook)
    steps = plan_init(git, choices)
    for step in steps:
        if not dry_run:
            step.make()
        click.echo(f"{'would ' if dry_run else ''}{step.what}")
    for line in advice(git, choices):
        say(f"{style('note:', fg='cyan')} {line}")
    if not no_hook and (folder := shared_hooks(git)):
        say(f"note: core.hooksPath is {folder}, outside this repository; init writes nothing there")
        say("      add this line to its pre-commit hook: pantheon-git check --staged")
        say(f"      and run ours from its pre-push and reference-transaction hooks: {shipped('pre-push').parent}")
    if not steps:
        click.echo("nothing to do: everything is in place")
    elif git.work_tree is None:
        say("next: push a branch with tasks to here, then: pantheon-git run --dry-run")
    elif not dry_run:
        say(f"next: {to_commit(git, '.pantheon', 'Set up pantheon-git')}, then: pantheon-git add AGENT PATHS…")
