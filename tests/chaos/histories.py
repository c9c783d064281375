"""Do the histories of a campaign keep what SERIALIZABLE promises?

Two are judged, and kept in Elle's form. The journals tell what was appended to lists and read of
them; the recordings of all processes tell which versions of all records were read and written.
SERIALIZABLE holds in real time here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.histories import Outcome, Transaction, check_lists, check_registers, write_history
from tests.chaos.judge import ANOMALY
from tests.chaos.lists import LISTS, appended_to, contents
from tests.chaos.recordings import merged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from scalar_tx.histories import Verdict as CheckersVerdict
    from tests.chaos.journal import Entry
    from tests.chaos.judge import Verdict

LEVEL: Final = "SERIALIZABLE"
LIST_HISTORY: Final = "lists.history.jsonl"
RECORD_HISTORY: Final = "records.history.jsonl"

_OUTCOMES: Final = {"committed": Outcome.OK, "aborted": Outcome.FAIL}


def judge_histories(
    verdict: Verdict,
    folder: Path,
    entries: Collection[Entry],
    seen: Mapping[str, list[dict[str, Any]]],
) -> dict[str, CheckersVerdict]:
    """Write both histories, check them, and add what is wrong to the verdict."""
    of_lists = list_history(entries)
    (folder / LIST_HISTORY).write_text("".join(write_history(of_lists)))
    final = contents(row for table in LISTS for row in seen[table])
    checked = {LIST_HISTORY: check_lists(of_lists, LEVEL, final=final)}
    of_records = merged(folder, folder / RECORD_HISTORY, entries)
    checked[RECORD_HISTORY] = check_registers(of_records.transactions, LEVEL)
    for name, found in checked.items():
        if found.proves_nothing:
            verdict.add(ANOMALY, f"{name} proves nothing: {found.proves_nothing}")
        for anomaly in found.anomalies:
            verdict.add(ANOMALY, f"{name}: {anomaly}")
    return checked


def list_history(entries: Iterable[Entry]) -> list[Transaction]:
    """What the journals tell of lists; of those not committed only the appends are known."""
    history = []
    for number, entry in enumerate(entries):
        if entry.work.kind != "lists":
            continue
        operations = entry.done
        if operations is None:
            lists = appended_to(entry.work.deeds)
            operations = [("append", name, entry.element) for name in lists]
        outcome = _OUTCOMES.get(entry.outcome or "", Outcome.INFO)
        ended = None if outcome is Outcome.INFO else entry.ended
        history.append(
            Transaction(
                number,
                [(kind, key, value) for kind, key, value in operations],
                outcome,
                invoked=entry.begun,
                completed=ended,
                name=entry.tx_id,
            )
        )
    return history
