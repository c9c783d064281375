"""Does a history keep what its isolation level promises?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.histories.cycles import find_cycles
from scalar_tx.histories.history import Anomaly, Verdict
from scalar_tx.histories.levels import PROCESS, REALTIME, RW, level_of
from scalar_tx.histories.list_anomalies import ListAnomalies
from scalar_tx.histories.list_words import ListWords
from scalar_tx.histories.lists import Lists
from scalar_tx.histories.real_time import add_processes, add_real_time
from scalar_tx.histories.register_anomalies import RegisterAnomalies
from scalar_tx.histories.registers import Registers
from scalar_tx.histories.words import cycle_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scalar_tx.histories.graph import Edge
    from scalar_tx.histories.history import Transaction
    from scalar_tx.histories.levels import Level
    from scalar_tx.model.isolation import Isolation

_OF_A_NAME: Final = 10


def check_lists(
    transactions: Sequence[Transaction],
    level: Level | Isolation | str,
    *,
    final: Mapping[Any, Sequence[Any]] | None = None,
) -> Verdict:
    """Judge a history of lists that only grow.

    ``level``: a level of this library, at which transactions that do not name their own are taken
    to have run; or a model of the literature, which is asked of all of them (``LEVELS``).
    ``final``: all lists as they are in the end, if that is known. InvalidOperationError for an
    element that is appended twice, an operation that no list has and a level that is none.
    """
    judged = level_of(level)
    level_at, strong = _levels(transactions, judged)
    lists = Lists(transactions, final)
    edges = lists.edges(_kinds(level_at), strong)
    anomalies = ListAnomalies(lists, level_at)
    verdict = Verdict(judged.name, transactions=len(transactions))
    verdict.reads_with_value = lists.reads_with_value
    found = [one for one in anomalies.found() if one[0] in level_at[one[1][0]].forbids]
    if final is not None:
        found += [one for one in anomalies.final_state(final) if one[0] in judged.forbids]
    evidence = _Evidence(transactions, lists.present, level_at, strong, edges, ListWords(lists))
    evidence.judge(verdict, found)
    return verdict


def check_registers(
    transactions: Sequence[Transaction],
    level: Level | Isolation | str,
    *,
    wfr: bool = True,
    linearizable_keys: bool = False,
    sequential_keys: bool = False,
    final: Mapping[Any, Any] | None = None,
) -> Verdict:
    """Judge a history of registers, into which each value is written only once.

    ``wfr``: what a transaction writes to a key comes next after what it read of it; right for every
    database that replaces only what it has read. ``linearizable_keys`` and ``sequential_keys``:
    each key by itself follows real time, or the order of each process; both imply ``wfr``. An
    assumption that does not hold is found as ``cyclic-versions``. ``level`` and ``final`` as for
    ``check_lists``; so are the errors.
    """
    judged = level_of(level)
    level_at, strong = _levels(transactions, judged)
    registers = Registers(
        transactions,
        wfr=wfr,
        linearizable_keys=linearizable_keys,
        sequential_keys=sequential_keys,
        final=final,
    )
    edges = registers.edges(_kinds(level_at), strong)
    anomalies = RegisterAnomalies(registers, level_at)
    verdict = Verdict(judged.name, transactions=len(transactions))
    verdict.reads_with_value = registers.reads_with_value
    found = [one for one in anomalies.found() if one[0] in level_at[one[1][0]].forbids]
    if final is not None:
        found += [one for one in anomalies.final_state(final) if one[0] in judged.forbids]
    evidence = _Evidence(transactions, registers.present, level_at, strong, edges, registers.why)
    evidence.judge(verdict, found)
    return verdict


def _levels(
    transactions: Sequence[Transaction], judged: Level
) -> tuple[list[Level], list[bool] | None]:
    """At which level each ran, and whose ``rw`` edges count; None: everybody's."""
    level_at = [judged] * len(transactions)
    if not judged.own:
        return level_at, None
    for index, transaction in enumerate(transactions):
        if transaction.level is not None:
            level_at[index] = level_of(transaction.level)
    strong = [bool(level.edges & RW) for level in level_at]
    return level_at, None if all(strong) else strong


def _kinds(level_at: Iterable[Level]) -> int:
    kinds = 0
    for level in set(level_at):
        kinds |= level.edges
    return kinds


@dataclass(slots=True)
class _Evidence:
    """Who depends on whom in a history, and what is needed to judge it."""

    transactions: Sequence[Transaction]
    present: Sequence[bool]
    level_at: Sequence[Level]
    strong: Sequence[bool] | None
    edges: list[Edge]
    why: Callable[[Edge], str]

    def judge(self, verdict: Verdict, found: Iterable[tuple[str, tuple[int, ...], str]]) -> None:
        """Fill in the verdict: what was found already, and the cycles."""
        transactions, edges = self.transactions, self.edges
        verdict.committed = sum(self.present)
        verdict.dependencies = len(edges)
        kinds = _kinds(self.level_at)
        nodes = len(transactions)
        if kinds & REALTIME:
            nodes = add_real_time(transactions, self.present, self.strong, edges)
        if kinds & PROCESS:
            add_processes(transactions, self.present, edges)
        counts: Counter[str] = Counter()

        def note(name: str, indexes: Iterable[int], text: str) -> None:
            counts[name] += 1
            if counts[name] > _OF_A_NAME:
                verdict.left_out += 1
            else:
                numbers = tuple(transactions[index].number for index in indexes)
                verdict.anomalies.append(Anomaly(name, numbers, text))

        for name, indexes, text in found:
            note(name, indexes, text)
        adjacent = all(level.adjacent for level in self.level_at)
        for cycle in find_cycles(len(transactions), nodes, edges, adjacent=adjacent):
            wanted = counts[cycle.name] < _OF_A_NAME
            text = cycle_in_words(cycle, transactions, self.why) if wanted else ""
            note(cycle.name, [edge[0] for edge in cycle.edges], text)
