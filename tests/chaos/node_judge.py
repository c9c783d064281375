"""Is the database what the living clients of nodes were told that it is?"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.histories import check_lists
from tests.chaos.bank import MARKER
from tests.chaos.campaign import LONGEST_READING_S, UNDECIDED
from tests.chaos.fleet import ROOT
from tests.chaos.histories import LEVEL, list_history
from tests.chaos.judge import ANOMALY, UNSETTLED, judge
from tests.chaos.lists import LISTS, contents, parts_of

if TYPE_CHECKING:
    from tests.chaos.journal import Entry
    from tests.chaos.judge import Verdict
    from tests.chaos.node_campaign import Doubts
    from tests.chaos.node_clients import Told
    from tests.chaos.places import Place

LONGEST_DOUBT_S: Final = 20.0  # a writer's fifteen seconds, and five
ODD: Final = "what a client must not see"


def judge_run(verdict: Verdict, place: Place, told: Told, doubts: Doubts) -> None:
    """Hold what is stored against what was told."""
    for fault in told.faults:
        verdict.add(ODD, fault)
    for tx_id, seconds in doubts.took.items():
        if seconds > LONGEST_DOUBT_S:
            verdict.add(UNSETTLED, f"{tx_id} was in doubt for {seconds:.1f} s")
    entries = {entry.tx_id: entry for entry in told.entries}
    if len(entries) != len(told.entries):
        verdict.add(ODD, "an id was used twice")
    seen, states = _read(place.target, entries)
    for tx_id, state in doubts.states.items():
        if states.get(tx_id) != state:
            verdict.add(UNSETTLED, f"{tx_id} was settled {state}, and is {states.get(tx_id)}")
    # The marker of a script bears its element.
    names = {entry.element: entry.tx_id for entry in told.entries}
    stored = place.stored()
    markers = _renamed(stored.rows[MARKER], names)
    found = judge(
        replace(stored, rows={**stored.rows, MARKER: markers}),
        entries,
        {**seen, MARKER: _renamed(seen[MARKER], names)},
        states,
    )
    history = list_history(entries.values())
    final = contents(row for table in LISTS for row in seen[table])
    checked = check_lists(history, LEVEL, final=final)
    if checked.proves_nothing and any(one.work.kind == "lists" for one in told.entries):
        found.add(ANOMALY, f"lists prove nothing: {checked.proves_nothing}")
    for anomaly in checked.anomalies:
        found.add(ANOMALY, anomaly)
    for kind, whats in found.findings.items():
        for what in whats:
            verdict.add(kind, what)


def _renamed(markers: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    return [{**row, "id": names.get(row["id"], row["id"])} for row in markers]


def _read(
    target: str, entries: dict[str, Entry]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    asked = {
        "ids": sorted({name for one in entries.values() for name in (one.tx_id, one.element)}),
        "new": sorted(entries),
        "undecided": [tx_id for tx_id, one in entries.items() if one.outcome in UNDECIDED],
        "notes": sorted({one.work.number for one in entries.values() if one.work.kind == "note"}),
        "parts": sorted({part for one in entries.values() for part in parts_of(one.work.deeds)}),
    }
    answer = subprocess.run(
        [sys.executable, "-m", "tests.chaos.settler", target],
        check=True,
        cwd=ROOT,
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        timeout=LONGEST_READING_S,
    )
    given = json.loads(answer.stdout)
    return given["rows"], given["states"]
