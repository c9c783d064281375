"""Which branch of the script's transactions stands for which task of the run?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.simulation.script_words import shape

if TYPE_CHECKING:
    from tests.scenarios.stage import Branch
    from tests.simulation.parts.scheduler import Task


class Branches:
    """Tasks and their branches; both beget others in the same order."""

    def __init__(self) -> None:
        self._of: dict[Task, Branch] = {}
        self._serves: dict[Task, str] = {}
        self._unbound: dict[Task, tuple[Task, int]] = {}
        self._spawned: Counter[Task] = Counter()

    def of(self, task: Task) -> Branch | None:
        """The branch of a task, if it has one by now."""
        return self._of.get(task)

    def spawned(self, parent: Task, child: Task) -> None:
        """A task has begun another one."""
        self._unbound[child] = parent, self._spawned[parent]
        self._spawned[parent] += 1

    def serves(self, worker: Task, name: str) -> None:
        """From now on a task does what a transaction is asked."""
        self.bind()
        self._of.pop(worker, None)
        self._spawned[worker] = 0
        self._serves[worker] = name

    def started(self, worker: Task, name: str, main: Branch | None) -> None:
        """A transaction's command is running."""
        if main is not None and self._serves.get(worker) == name:
            self._of.setdefault(worker, main)
        self.bind()

    def bind(self) -> None:
        """Find the branches of tasks that were begun."""
        for task, (parent, number) in list(self._unbound.items()):
            branch = self._of.get(parent)
            if branch is not None and len(branch.children) > number:
                self._of[task] = branch.children[number]
                del self._unbound[task]

    def swapped(self, task: Task, branch: Branch, wanted: list[tuple[str, str]]) -> Branch | None:
        """The parallel branch that is before the same call as a task.

        In the run a reply may have been heard later than another one that was sent after it, and
        who was heard first decides in which order the next parallel calls are made.
        """
        for other, its in self._of.items():
            is_beside = its is not branch and its.actor is branch.actor and "." in its.name
            if is_beside and its.call is not None and shape(its.call.what, {}) == wanted:
                self._of[task], self._of[other] = its, branch
                return its
        return None
