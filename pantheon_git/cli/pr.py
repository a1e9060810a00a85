"""`pantheon-git pr`: the night's branches, for a person to take or leave."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import DRY_RUN, JSON, print_json, printable, say, style, table
from pantheon_git.cli.passphrase import asker
from pantheon_git.cli.settled import settled, told
from pantheon_git.errors import PantheonError

if TYPE_CHECKING:
    from pantheon_git.pulls.desk import Desk
    from pantheon_git.pulls.records import Outcome, PullView

STATES = ("open", "approved", "merged", "rejected", "superseded")
PRS = click.argument("prs", nargs=-1, required=True, metavar="PR...")
KEEP = click.option("--keep-branch", is_flag=True, help="Leave the branch; without it, it is deleted.")


@click.group()
def pr() -> None:
    """Review the night's branches: list, show, diff, checkout, merge, reject.

    A PR is named by its task (the latest attempt) or its job ID.N. Its branch is pantheon/pr/ID.N, an ordinary branch:
    git diff, git log and git merge work on it too.
    """


def _desk(ctx: click.Context) -> Desk:
    from pantheon_git.pulls.desk import Desk

    return Desk(here(ctx).git, asker())


@pr.command("list")
@click.option("--state", type=click.Choice([*STATES, "all"]), help="Only these; without it, those that wait for you.")
@JSON
@click.pass_context
def list_(ctx: click.Context, state: str | None, as_json: bool) -> None:
    """List PRs: those that wait for you, or those in a state."""
    from pantheon_git.pulls.listing import OPEN, list_pulls

    told(here(ctx))
    wanted = OPEN if state is None else None if state == "all" else {state}
    found = list_pulls(_desk(ctx), wanted)
    if as_json:
        print_json([asdict(pull) for pull in found])
        return
    if not found:
        click.echo("no PR waits for you" if state is None else f"no PR is {state}")
        say("next: pantheon-git report")
        return
    rows = [(p.job, p.state, f"+{p.added} -{p.removed}", p.title) for p in found]
    click.echo(table(rows, ("PR", "STATE", "LINES", "TITLE")))
    say(f"next: pantheon-git pr show {found[0].job}")


@pr.command()
@click.argument("pr")
@JSON
@click.pass_context
def show(ctx: click.Context, pr: str, as_json: bool) -> int:
    """Show one PR: what was asked, what every node said, who wrote what, and whether it would merge now."""
    from pantheon_git.pulls.listing import show as show_pull

    told(here(ctx))
    view = show_pull(_desk(ctx), pr)
    if as_json:
        print_json(asdict(view))
    else:
        _card(view)
    return 2 if any(fault.startswith("TAMPERED") for fault in view.faults) else 1 if view.faults else 0


def _card(view: PullView) -> None:
    from pantheon_git.morning.words import describe_authors, one_line

    pull = view.pull
    click.echo(f"{style(one_line(pull.title), bold=True)}  {style(pull.state, fg='cyan')}")
    click.echo(f"{pull.job}  branch {pull.branch}  for {pull.target.removeprefix('refs/heads/')}  night {pull.night}")
    signed = f"signed by {view.signed}" if view.signed else style("; ".join(view.faults), fg="red")
    click.echo(f"{signed}\n")
    for node in view.nodes:
        colour = "green" if node.verdict == "pass" else "yellow"
        click.echo(f"  {node.name.ljust(10)} {style(node.verdict.ljust(7), fg=colour)} {one_line(node.reason, 90)}")
    if view.authorship:
        click.echo(f"\nwritten by: {describe_authors(view.authorship)}")
    for path in view.paths:
        click.echo(f"{one_line(path.path)}  +{path.added if path.added is not None else 'binary'} -{path.removed or 0}")
    if pull.edited:
        click.echo(style("the branch was moved since it passed the gate", fg="yellow"))
    if pull.state in ("open", "approved") and not view.faults:
        behind = f", {view.behind} commits behind" if view.behind else ""
        verdict = (
            f"would not merge now: {one_line('; '.join(view.findings), 1000)}"
            if view.findings
            else f"would merge now{behind}"
        )
        click.echo(f"\n{verdict}")
    for event in view.events:
        click.echo(
            f"{event['what']} by {one_line(event['who'])}{': ' + one_line(event['text']) if event['text'] else ''}"
        )
    click.echo()
    for command in view.next:
        click.echo(f"  {style(command, fg='cyan')}")


@pr.command()
@click.argument("pr")
@click.pass_context
def diff(ctx: click.Context, pr: str) -> None:
    """Print what the PR changes, from its base to its tip: all of it, white space too."""
    from pantheon_git.pulls.listing import diff as diff_pull

    patch = diff_pull(_desk(ctx), pr)
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(patch)
        return
    click.echo_via_pager(_coloured(patch.decode("utf-8", "backslashreplace")))


def _coloured(patch: str) -> str:
    """Added green, removed red, as git does; what could steer the terminal is made visible."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    lines = []
    for line in patch.splitlines():
        plain = "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in line)
        lines.append(style(plain, fg=colours.get(plain[:1])))
    return "\n".join(lines) + "\n"


@pr.command()
@click.argument("pr")
@click.pass_context
def checkout(ctx: click.Context, pr: str) -> None:
    """Put the PR's branch into your work tree, as `git checkout` does."""
    from pantheon_git.pulls.listing import checkout as checkout_pull

    settled(here(ctx))
    back = checkout_pull(_desk(ctx), pr)
    click.echo(f"on the branch of {pr}")
    say(f"back again: {back}")


@pr.command()
@PRS
@KEEP
@DRY_RUN
@JSON
@click.pass_context
def merge(ctx: click.Context, prs: tuple[str, ...], keep_branch: bool, dry_run: bool, as_json: bool) -> int:
    """Merge PRs, one after another, each onto the target as the one before left it.

    Each is verified and judged by the gate again on today's target. A checkout with changes of yours in the way is not
    touched, and nothing is merged. The merge commit carries your signature. One that is refused stops none of the
    others; the exit code is then 1, or 2 where something does not match what was signed.
    """
    from pantheon_git.pulls.land import merge as merge_pulls

    if dry_run:
        told(here(ctx))
        return _would_merge(_desk(ctx), prs)
    return _tell(merge_pulls(_desk(ctx), prs, keep_branch), as_json)


def _would_merge(desk: Desk, prs: Sequence[str]) -> int:
    from pantheon_git.pulls.listing import OPEN
    from pantheon_git.pulls.listing import show as show_pull

    code = 0
    for name in prs:
        view = show_pull(desk, name)
        state = view.pull.state
        against = [*view.faults, *view.findings, *([] if state in OPEN else [f"it is {state}"])]
        click.echo(
            f"{view.pull.job}: {'would not merge: ' + printable('; '.join(against)) if against else 'would merge'}"
        )
        code = max(code, 1 if against else 0)
    return code


@pr.command()
@PRS
@click.option("-m", "--reason", metavar="TEXT", help="What is wrong with it: recorded, and learned from.")
@KEEP
@JSON
@click.pass_context
def reject(ctx: click.Context, prs: tuple[str, ...], reason: str | None, keep_branch: bool, as_json: bool) -> int:
    """Reject PRs; the reason is signed, the branch goes, the ledger keeps the work."""
    from pantheon_git.pulls.close import reject as reject_pulls

    if not reason and sys.stdin.isatty():
        reason = click.prompt("what is wrong with it", err=True)
    if not reason:
        raise PantheonError("a rejection needs a reason", f"pantheon-git pr reject {' '.join(prs)} --reason 'why'")
    settled(here(ctx))
    return _tell(reject_pulls(_desk(ctx), prs, reason, keep_branch), as_json)


def _tell(outcomes: Sequence[Outcome], as_json: bool) -> int:
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            if outcome.done:
                click.echo(outcome.message)
            else:
                label = style("error:", fg="red")
                say(
                    f"{label} {outcome.job}: {printable(outcome.message)}"
                    + (f"\nhint: {outcome.hint}" if outcome.hint else "")
                )
    return max((outcome.exit_code for outcome in outcomes), default=0)
