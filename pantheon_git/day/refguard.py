"""What the hooks ask before a ref of ours, or a protected branch, moves.

Nothing here trusts who asks: not a process, not a variable of the environment. The move itself must be one that only
grows the ledger, and its new tip must be signed; so pantheon-git's own moves pass because of what they are. These are
guard rails: `verify` and `pr merge` look at what is there and never ask whether a hook was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import dsse, frozen, notes, statement
from pantheon_git.ledger.commit import check_commit, trailers
from pantheon_git.ledger.layout import ARTIFACTS, FAILED, FROZEN, JOB_FILE, PRS, RUNS, find_job
from pantheon_git.ledger.trust import NIGHT, PERSON, Role, TrustedKeys
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.globs import Globs

LEDGER = ("refs/pantheon/", notes.REF)
KEYS = "refs/pantheon/keys/"
HEADS = "refs/heads/"
POLICY = b".pantheon/policy.toml"
_NIGHTS_OWN = (RUNS, ARTIFACTS, FAILED)
_ZERO = "0" * 40


@dataclass(frozen=True)
class Move:
    """One ref that is about to change. `old`: where it stands now; None: it is not there. `new` None: it goes."""

    ref: str
    old: str | None
    new: str | None


@dataclass
class Watch:
    """The rules, over the moves of one transaction or push. `keys` None: this user trusts nobody yet, and then only
    that refs grow can be asked."""

    git: Git
    objects: Objects
    keys: TrustedKeys | None
    branches: bool = False
    """Whether branches of PRs must be those that the ledger names: where many people push."""
    moves: Mapping[str, Move] = field(default_factory=dict)

    def faults(self, moves: Iterable[Move]) -> Iterator[tuple[str, str]]:
        """Ref and reason for each move that may not be."""
        self.moves = {move.ref: move for move in moves}
        for move in self.moves.values():
            if move.old == move.new:
                continue
            try:
                self._judge(move)
            except PantheonError as error:
                yield move.ref, error.message

    def _judge(self, move: Move) -> None:
        """TamperedError or PantheonError for a move that may not be."""
        if move.ref.startswith(LEDGER):
            self._grows(move)
            if move.ref == notes.REF:
                self._notes(move)
            elif not move.ref.startswith(KEYS):  # a record there carries its own signatures, and `keyring` asks them
                self._signed(move)
        elif move.ref.startswith(PRS):
            if self.branches and move.new:
                self._entry(move.ref.removeprefix(PRS), move.new)
        elif move.ref.startswith(HEADS) and move.old and self._protected(move.ref, move.old):
            self._grows(move)
            self._by_people(move.old, str(move.new))

    def _grows(self, move: Move) -> None:
        if move.new is None:
            raise TamperedError("it may not be deleted")
        if move.old and self.git.run("merge-base", "--is-ancestor", move.old, move.new, check=False).code:
            raise TamperedError(f"it may only grow, and {move.new[:12]} does not hold {move.old[:12]}")

    def _signed(self, move: Move) -> None:
        if self.keys is None:
            return
        if move.ref.startswith(FROZEN):
            frozen.require_frozen(self.objects, move.ref, str(move.new), self.keys)
            return
        roles: tuple[Role, ...] = (NIGHT,) if move.ref.startswith(_NIGHTS_OWN) else (PERSON, NIGHT)
        require_signed(self.objects, str(move.new), self.keys, roles)

    def _notes(self, move: Move) -> None:
        """Signed by a night, or, from stock git, nothing but new lines."""
        new = self.objects.commit(str(move.new))
        if new.gpgsig is not None:
            self._signed(Move(RUNS, move.old, move.new))
        elif move.old:
            for name, before, after in _texts(self.objects, self.objects.commit(move.old).tree, new.tree):
                if lost := before - after:
                    line = min(lost).decode("utf-8", "backslashreplace")
                    raise TamperedError(f"it may only grow, and the note on {name[:12]} would lose: {line[:100]!r}")

    def _entry(self, job: str, commit: str) -> None:
        """The branch of a PR is the commit that the signed entry of its job names."""
        night = trailers(self.objects.commit(commit).message).get("Pantheon-Night", "")
        move = self.moves.get(RUNS + night)
        runs = move.new if move else self.objects.resolve(RUNS + night) if night else None
        folder = find_job(self.objects, self.objects.commit(runs).tree, job) if runs else None
        entry = self.objects.find(folder.tree, JOB_FILE) if folder else None
        if entry is None:
            raise TamperedError(f"no night here has an entry for {job}: push the ledger first (pantheon-git sync)")
        if self.keys is not None:
            said = statement.read(dsse.verify(self.objects.blob(entry.oid), self.keys), statement.JOB)
            if said["commit"] != commit:
                raise TamperedError(f"the night's entry names {str(said['commit'])[:12]}, not {commit[:12]}")

    def _protected(self, ref: str, tip: str) -> bool:
        """Whether the policy at the branch's own tip, not at what would replace it, protects the branch."""
        from pantheon_git.spec.load import load  # pydantic takes longer than all the rest of a hook
        from pantheon_git.spec.policy import Policy

        found = self.objects.find(self.objects.commit(tip).tree, POLICY)
        if found is None:
            return False
        try:
            policy = load(Policy, self.objects.blob(found.oid), POLICY.decode())
        except PantheonError:  # a policy that cannot be read says nothing against protection
            return True
        return ref.removeprefix(HEADS) in Globs(policy.protect.branches)

    def _by_people(self, old: str, new: str) -> None:
        """Everything that comes in on the branch's own line is signed by a person: `pr merge` does, `git commit -S`
        does."""
        if self.keys is None:
            return
        for commit in self.git.text("rev-list", "--first-parent", new, f"^{old}").split():
            try:
                require_signed(self.objects, commit, self.keys, (PERSON,))
            except TamperedError as error:
                raise TamperedError(f"protected by the policy, and {commit[:12]}: {error.message}") from error


def require_signed(objects: Objects, commit: str, keys: TrustedKeys, roles: tuple[Role, ...]) -> None:
    """TamperedError unless a key that is trusted in one of `roles` signed the commit; says why of the last."""
    for role in roles[:-1]:
        try:
            check_commit(objects, commit, keys, role)
        except TamperedError:
            continue
        return
    check_commit(objects, commit, keys, roles[-1])


def _texts(objects: Objects, old: str, new: str) -> Iterator[tuple[str, set[bytes], set[bytes]]]:
    """Notes that differ: name, lines before, lines after. A note that only moved to another fan-out has both."""
    before: dict[str, set[bytes]] = {}
    after: dict[str, set[bytes]] = {}
    for path, gone, come in objects.changes(old, new):
        name = path.replace(b"/", b"").decode("utf-8", "backslashreplace")
        for side, entry in ((before, gone), (after, come)):
            if entry is not None:
                side.setdefault(name, set()).update(objects.blob(entry.oid).splitlines())
    for name, lines in before.items():
        yield name, lines, after.get(name, set())


def read_moves(git: Git, lines: Iterable[str]) -> list[Move]:
    """`OLD NEW REF` lines as git gives them to a hook. Zeros for OLD mean absent, or that the caller did not say: so
    where a ref stands is asked of git."""
    moves = []
    for old, new, ref in (line.split(" ", 2) for line in lines):
        now = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", ref, check=False).out.decode().strip()
        moves.append(Move(ref, now or (None if old == _ZERO else old), None if new == _ZERO else new))
    return moves
