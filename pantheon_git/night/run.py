"""One night, from lease to close. The main checkout and its index are never touched: the queue comes from a commit,
jobs run on checkouts of their own, results are refs."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from pantheon_git import __version__, clock
from pantheon_git.clock import Moment
from pantheon_git.errors import JailError, PantheonError, TamperedError
from pantheon_git.gate.facts import TALLY
from pantheon_git.gate.gather import gather
from pantheon_git.jail.open import open_jail
from pantheon_git.jail.support import LEVELS, detect
from pantheon_git.jail.trees import CheckoutStore
from pantheon_git.ledger.key_records import publish, read_local
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.layout import FROZEN
from pantheon_git.ledger.ledger import CommittedJob, Ledger
from pantheon_git.ledger.plants import planted_trees
from pantheon_git.ledger.records import JobContext, JobResult
from pantheon_git.ledger.signing import night_signer
from pantheon_git.ledger.trust import NIGHT
from pantheon_git.night.admission import admit, guard_info
from pantheon_git.night.certificate import NOT_MADE, certified, describe_certificate
from pantheon_git.night.conventions import conventions_for
from pantheon_git.night.deadline import Deadline
from pantheon_git.night.dispatch import Dispatch, PutOff
from pantheon_git.night.events import Event, GroupCommitted, JobEnded, JobStarted, NightOpened, Said
from pantheon_git.night.guard_lock import lock
from pantheon_git.night.job import run_job
from pantheon_git.night.lease import Lease, lease
from pantheon_git.night.options import NightOptions, NightResult, Wiring, choose
from pantheon_git.night.order import Planned
from pantheon_git.night.plan import Plan, make_plan, resolve_target
from pantheon_git.night.planting import Planter
from pantheon_git.night.prepare import Engines, agents_of, shares
from pantheon_git.night.room import Services
from pantheon_git.night.routing import route_tasks
from pantheon_git.night.signals import stopping
from pantheon_git.night.trouble import Reserve
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git, require_supported, require_writable
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs

__all__ = ["NightOptions", "NightResult", "Wiring", "run_night"]


async def run_night(
    git: Git,
    options: NightOptions,
    on_event: Callable[[Event], None] = lambda event: None,
    wiring: Wiring | None = None,
) -> NightResult:
    """Run the queue of the target's tip once. Raises PantheonError before the first job when the night may not start;
    after that every job has an ending of its own. One runner at a time: LeaseHeldError names the other."""
    require_supported(git)
    require_writable(git)
    state = paths.state_dir(git)
    with lease(state, f"pantheon-git run in {git.path}") as held:
        return await _Night(git, held, options, on_event, wiring or Wiring()).run()


class _Night:
    def __init__(
        self, git: Git, held: Lease, options: NightOptions, emit: Callable[[Event], None], wiring: Wiring
    ) -> None:
        self.git, self.held, self.options, self.emit, self.wiring = git, held, options, emit, wiring
        self.state = paths.state_dir(git)
        self.objects = Objects(git)
        self.ledger = Ledger(git, self.objects, night_signer(git))
        self.store = CheckoutStore(self.state)
        self.engines = Engines(wiring.engine)
        self.done: list[JobResult] = []
        self.certificate = NOT_MADE
        self.reserve = Reserve((self.state, git.objects_dir))
        self.began, self.cpu_before = Moment.here(), sum(os.times()[:4])
        self.found: list[str] = []
        """What was to be put right before the night could begin."""

    async def run(self) -> NightResult:
        self.reserve.give_back()
        self.reserve.hold_memory()
        asyncio.get_running_loop().set_exception_handler(self.reserve.unheard)
        publish(self.git, self.objects, self._own_key(), read_local())
        self.found += [self.held.taken_over] if self.held.taken_over else []
        for line in (*self.found, *(recovered := self.ledger.recover()), *self.store.sweep()):
            self.emit(Said(line))
        self.found += recovered
        target = resolve_target(self.git, self.options.target)
        plan = make_plan(self.git, self.objects, target, self.ledger.pin(target))
        if plan.tonight.said:
            self.emit(Said(plan.tonight.said))
        tasks, put_off = choose(plan, self.options)
        agents = agents_of(plan, tasks)
        admit(plan.agents, [agent.name for agent in agents], self.options)
        if not tasks:
            return NightResult(None, plan, put_off=put_off, broken=plan.broken)
        self.reserve.require()
        if self.options.guard is not None:
            checkout, level = self.store.get(self.objects, plan.base), self._level().partition(",")[0]
            self.certificate = await certified(self.git, self.objects, plan, checkout, level)
            self.emit(Said(describe_certificate(self.certificate)))
            lock()
        try:
            for agent in agents:
                await self.engines.add(agent, self.options.engine, self.options.model_path)
            tasks, unsure = await route_tasks(tasks, plan.agents, self.engines.engine)
            if not tasks:
                return NightResult(None, plan, put_off=[*put_off, *unsure], broken=plan.broken)
            return await self._with_engines(plan, tasks, [*put_off, *unsure])
        finally:
            await self.engines.close()

    def _own_key(self) -> Key:
        """PantheonError when nobody would believe what this night is about to sign."""
        try:
            trusted(self.git, self.objects).keys.require(self.ledger.key.key_id, NIGHT, self.began.epoch)
        except TamperedError as error:
            raise PantheonError(f"the night's key does not count: {error.message}", "pantheon-git keys") from error
        return self.ledger.key

    async def _with_engines(self, plan: Plan, tasks: Sequence[Planned], put_off: list[PutOff]) -> NightResult:
        level = self._level()
        services = self._services(plan, self._new_id(), tasks)
        contexts = {planned.id: _context(services.night, plan, planned) for planned in tasks}
        if plan.tonight.frozen is not None:
            self.ledger.remember({FROZEN + plan.tonight.frozen.name: plan.tonight.frozen.head})
        self.held.require()
        self.ledger.open_night(services.night, list(contexts.values()), self._info(plan, level, services))
        self.emit(NightOpened(services.night, len(tasks), plan.base, level))
        with stopping() as stop, self.reserve.held():
            dispatch = Dispatch(
                tasks,
                self.options.jobs,
                lambda planned: self._one(services, planned, contexts[planned.id]),
                lambda group: self._commit(services.night, group),
                lambda planned, error: _defect(contexts[planned.id], plan, error),
                Deadline.at(self.options.until),
                stop,
                self.reserve.sick,
            )
            try:
                await dispatch.run()
            finally:
                cut = stop.is_set() or bool(dispatch.trouble)
                planted = await self.planter.finish(0 if cut else dispatch.deadline.left(clock.steady()))
            for line in self.planter.lost:
                self.emit(Said(line))
            put_off = [*put_off, *dispatch.put_off]
            return self._close(services.night, plan, put_off, dispatch.trouble, stop.is_set(), planted)

    def _close(
        self, night: str, plan: Plan, put_off: list[PutOff], trouble: str, interrupted: bool, planted: Sequence[str]
    ) -> NightResult:
        result = NightResult(
            night=night,
            plan=plan,
            jobs=self.done,
            put_off=put_off,
            broken=plan.broken,
            interrupted=interrupted,
            trouble=trouble,
            seconds=self.began.seconds,
            clock_jump=self.began.jump,
            cpu_seconds=sum(os.times()[:4]) - self.cpu_before,
        )
        self.reserve.write(lambda: self.ledger.close_night(night, result.closing, plants=planted))
        return result

    def _level(self) -> str:
        """The jails' level and kind of tree, in words. JailError, before the first job, where this machine has none."""
        if self.wiring.open_jail is not open_jail:
            return "none, for a benchmark"
        support = detect(self.state)
        asked = self.options.jail
        level = support.best if asked == "auto" else next((known for known in LEVELS if known == asked), None)
        if level is None or not support.has(level):
            why = "; ".join(f"{name}: {reason}" for name, reason in support.reasons.items())
            raise JailError(f"no jail ({asked}) works on this machine, so nothing runs: {why}", "pantheon-git doctor")
        return f"{level}, {'overlay' if support.overlay else 'copy'}"

    def _services(self, plan: Plan, night: str, tasks: Sequence[Planned]) -> Services:
        keys = trusted(self.git, self.objects).keys
        self.tally = gather(self.git, self.objects, keys)
        policy = plan.policy.plants
        self.planter = Planter.of(policy, night, tasks, plan.index, self.objects, self.ledger.sign_plant)
        checkout = self.store.get(self.objects, plan.base)
        for line in self.store.altered:
            self.emit(Said(line))
        self.found += self.store.altered
        if self.wiring.open_jail is open_jail and not detect(self.state).overlay:
            self.store.fill(checkout, min(self.options.jobs, len(plan.runnable)))
        return Services(
            night=night,
            plan=plan,
            git=self.git,
            objects=self.objects,
            signer=self.ledger,
            keys=keys,
            engine=self.engines.engine,
            checkout=checkout,
            state=self.state,
            level=self.options.jail,
            open_jail=self.wiring.open_jail,
            collect=self.wiring.collect,
            checks=self.wiring.checks,
            conventions=conventions_for(self.objects, plan, plan.runnable),
            shares=shares(plan, self.git.work_tree),
            emit=self.emit,
            tally=self.tally,
            planted=planted_trees(self.objects),
            offer=self.planter.offer,
        )

    def _new_id(self) -> str:
        """The start in UTC; a number behind it where a night of that second exists already."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.began.epoch))
        taken = {ref.rpartition("/")[2] for ref in read_refs(self.git, "refs/pantheon/runs/")}
        return next(name for n in itertools.count(1) if (name := stamp if n == 1 else f"{stamp}-{n}") not in taken)

    def _info(self, plan: Plan, level: str, services: Services) -> dict[str, Any]:
        return {
            "version": __version__,
            "base": plan.base,
            "target": plan.target,
            "policy": plan.policy_oid,
            "frozen": plan.tonight.frozen.info() if plan.tonight.frozen else None,
            "jail": level,
            "guard": guard_info(self.options.guard, plan.agents.values()),
            "certificate": self.certificate,
            "conventions": services.conventions.digest,
            "jobs": self.options.jobs,
            "found": self.found,
            "agents": self.engines.digests(),
            TALLY: self.tally.record(),
            "waiting": {task.id: task.why for task in plan.tasks if not task.runs},
            "broken": {broken.path: list(broken.faults) for broken in plan.broken},
        }

    async def _one(self, services: Services, planned: Planned, context: JobContext) -> JobResult:
        self.emit(JobStarted(planned.job, planned.task.goal.summary))
        result = await run_job(services, planned, context)
        self.emit(JobEnded(planned.job, result.ending, result.reason, result.seconds))
        return result

    def _commit(self, night: str, group: Sequence[JobResult]) -> None:
        self.held.require()
        started = Moment.here()
        committed: list[CommittedJob] = []
        self.reserve.write(lambda: committed.extend(self.ledger.commit_group(night, group)))
        self.done += group
        refs = tuple(ref for job in committed if (ref := job.ref))
        self.emit(GroupCommitted(tuple(job.context.job for job in group), refs, started.seconds))


def _context(night: str, plan: Plan, planned: Planned) -> JobContext:
    return JobContext(
        night=night,
        job=planned.job,
        task=planned.id,
        revision=planned.revision,
        attempt=planned.attempt,
        flow=planned.flow.name,
        flow_oid=planned.flow.oid,
        base=plan.base,
        target=plan.target,
    )


def _defect(context: JobContext, plan: Plan, error: BaseException) -> JobResult:
    """A job that died of a defect of ours: recorded as such, with the traceback, so that the night goes on."""
    trace = "".join(traceback.format_exception(error))
    reason = f"a defect in pantheon-git: {type(error).__name__}: {error}"
    title = f"[error] {context.task}"
    return JobResult(context, (), "error", reason, None, plan.base_tree, {}, title, trace, clock.now(), 0.0, {})
