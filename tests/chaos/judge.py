"""Is the database what the journals say it must be?

Judged on a settled database: nobody is writing, every writer's time is over, and a fresh process
has read everything. What a writer was told must be so; what it was not told may be either, never
half.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tests.chaos.bank import ACCOUNT, ACCOUNTS, BANK_TOTAL, BANKS, MARKER, NOTE, START
from tests.chaos.lists import LISTS, appended_to, contents
from tests.chaos.stored import COMMITTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.chaos.journal import Entry
    from tests.chaos.stored import Stored

ALWAYS_SHOWN = 5  # examples of one kind of finding


@dataclass
class Verdict:
    """What is wrong, by kind; nothing: the database kept every promise."""

    findings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __bool__(self) -> bool:
        return not self.findings

    def add(self, kind: str, what: object) -> None:
        """One more thing that is wrong."""
        self.findings[kind].append(str(what))

    def count(self, kind: str) -> int:
        """How many things of a kind are wrong."""
        return len(self.findings.get(kind, ()))

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"{kind}: {len(found)}, such as {'; '.join(found[:ALWAYS_SHOWN])}"
            for kind, found in self.findings.items()
        ]


LOST = "acknowledged and not there"
FALSELY_FAILED = "reported failed and there"
UNSETTLED = "not settled"
HALF = "half done"
TOTAL = "wrong total"
STATE = "the decision disagrees with the marker"
SEEN = "the library shows another record than is stored"
STRANGER = "nobody began it"
DAMAGE = "the data are damaged"
ANOMALY = "the checker found"


def judge(
    stored: Stored,
    entries: Mapping[str, Entry],
    seen: Mapping[str, list[dict[str, Any]]],
    states: Mapping[str, str],
) -> Verdict:
    """Hold what is stored against the journals.

    ``seen`` are the tables as a fresh process read them, ``states`` what it was told about ids.
    """
    verdict = Verdict()
    for what in stored.damage:
        verdict.add(DAMAGE, what)
    for row in stored.unsettled():
        verdict.add(UNSETTLED, row)
    markers = {row["id"]: row for row in stored.rows[MARKER]}
    _judge_outcomes(verdict, entries, markers)
    _judge_decisions(verdict, entries, markers, stored.decisions, states)
    _judge_accounts(verdict, stored.rows[ACCOUNT], markers)
    _judge_notes(verdict, stored.rows[NOTE], markers)
    _judge_lists(verdict, stored, entries, markers)
    _judge_sight(verdict, stored.rows, seen)
    return verdict


def _judge_outcomes(
    verdict: Verdict, entries: Mapping[str, Entry], markers: Mapping[str, dict[str, Any]]
) -> None:
    for entry in entries.values():
        there = entry.tx_id in markers
        if entry.outcome == "committed" and not there:
            verdict.add(LOST, entry)
        if entry.outcome == "aborted" and there:
            verdict.add(FALSELY_FAILED, entry)
    for tx_id, marker in markers.items():
        if tx_id not in entries:
            verdict.add(STRANGER, marker)
            continue
        work = asdict(entries[tx_id].work)
        if {name: marker[name] for name in work} != work or marker["tx_id"] != tx_id:
            verdict.add(HALF, f"{marker} for {work}")


def _judge_decisions(
    verdict: Verdict,
    entries: Mapping[str, Entry],
    markers: Mapping[str, dict[str, Any]],
    decisions: Mapping[str, int],
    states: Mapping[str, str],
) -> None:
    for tx_id in entries:
        committed = decisions.get(tx_id) == COMMITTED
        if committed != (tx_id in markers):
            verdict.add(STATE, f"{tx_id}: decided {decisions.get(tx_id)}")
    for tx_id, state in states.items():
        if (state == "COMMITTED") != (tx_id in markers):
            verdict.add(STATE, f"{tx_id}: db.state says {state}")


def _judge_accounts(
    verdict: Verdict, accounts: list[dict[str, Any]], markers: Mapping[str, dict[str, Any]]
) -> None:
    due = {(bank, number): START for bank in range(BANKS) for number in range(ACCOUNTS)}
    writes = Counter(due.keys())  # the version counts every committed write, the first included
    writers: dict[tuple[int, int], set[str]] = defaultdict(set)
    for tx_id, marker in markers.items():
        if marker["kind"] != "transfer":
            continue
        for end, sign in (("source", -1), ("target", 1)):
            place = (marker["bank"], marker[end])
            due[place] += sign * marker["amount"]
            writes[place] += 1
            writers[place].add(tx_id)
    held: Counter[int] = Counter()
    for row in accounts:
        place = (row["bank"], row["id"])
        held[row["bank"]] += row["balance"]
        if row["balance"] != due.pop(place, None):
            verdict.add(HALF, f"{place} holds {row['balance']}, not what its markers add up to")
        if row["tx_version"] != writes[place]:
            verdict.add(HALF, f"{place} was written {row['tx_version']} times, not {writes[place]}")
        if writers[place] and row["tx_id"] not in writers[place]:
            verdict.add(HALF, f"{place} was last written by {row['tx_id']}, which left no marker")
    for place in due:
        verdict.add(HALF, f"{place} is gone")
    for bank in range(BANKS):
        if held[bank] != BANK_TOTAL:
            verdict.add(TOTAL, f"bank {bank} holds {held[bank]}, not {BANK_TOTAL}")


def _judge_notes(
    verdict: Verdict, notes: list[dict[str, Any]], markers: Mapping[str, dict[str, Any]]
) -> None:
    """Writing and erasing take turns: at most one writer of a number has not been erased."""
    written: dict[int, set[str]] = defaultdict(set)
    erased: dict[int, Counter[str]] = defaultdict(Counter)
    for tx_id, marker in markers.items():
        if marker["kind"] != "note":
            continue
        if marker["erased"] is None:
            written[marker["number"]].add(tx_id)
        else:
            erased[marker["number"]][marker["erased"]] += 1
    stored = {row["number"]: row for row in notes}
    for number in {*written, *erased, *stored}:
        twice = [tx_id for tx_id, times in erased[number].items() if times > 1]
        never = set(erased[number]) - written[number]
        left = written[number] - set(erased[number])
        row = stored.get(number)
        there = set() if row is None else {row["written_by"]}
        if twice or never or left != there or (row is not None and row["tx_id"] not in left):
            verdict.add(
                HALF,
                f"note {number}: erased twice {twice}, never written {never}, "
                f"should be there {left}, is there {row}",
            )


def _judge_lists(
    verdict: Verdict,
    stored: Stored,
    entries: Mapping[str, Entry],
    markers: Mapping[str, dict[str, Any]],
) -> None:
    """Each list holds what was committed to it, each element once; the order is the checker's."""
    due: dict[str, Counter[str]] = defaultdict(Counter)
    for tx_id, marker in markers.items():
        if tx_id in entries:
            for name in appended_to(marker["deeds"]):
                due[name][entries[tx_id].element] += 1
    held = contents(row for table in LISTS for row in stored.rows[table])
    for name in {*due, *held}:
        elements = Counter(held.get(name, ()))
        if elements != due[name]:
            verdict.add(
                HALF,
                f"list {name} lacks {list(due[name] - elements)} "
                f"and has {list(elements - due[name])} besides",
            )


def _judge_sight(
    verdict: Verdict,
    stored: Mapping[str, list[dict[str, Any]]],
    seen: Mapping[str, list[dict[str, Any]]],
) -> None:
    for table, shown in seen.items():
        columns = sorted(shown[0]) if shown else []
        there = {tuple((name, row[name]) for name in columns) for row in stored[table]}
        in_sight = {tuple((name, row[name]) for name in columns) for row in shown}
        for surplus in in_sight - there:
            verdict.add(SEEN, f"{table} does not hold {surplus}")
        for missing in there - in_sight:
            verdict.add(SEEN, f"{table} was shown without {missing}")
