"""What did not reach its target, and what stands in the way?

For each such contest: the transactions a second that the target would be, what the same reads and
writes reach without transactions, and what the processors of the machine allow at the CPU that one
of our transactions takes, clients and servers together.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

from bench.beside.contest import JAVA, OURS
from bench.beside.figures import CONTESTS, FLOORS, PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.beside.figures import Contest

    Result = Mapping[str, Any]

HEAD: Final = (
    "workload", "at", "clients", "mode", "wanted a second", "ours",
    "without transactions", "CPU of one of ours", "with all processors full",
)  # fmt: skip


def missed(found: Mapping[str, Result]) -> Iterator[tuple[Contest, Result]]:
    """The contests whose rate is below what it must be."""
    for contest in CONTESTS:
        result = found.get(contest.name)
        if result is None:
            continue
        for bound in contest.bounds:
            if bound.measure == "rate":
                ratio = statistics.median(result["ratios"]["rate"])
                if not bound.reached(ratio, bound.must):
                    yield contest, result


def rows(found: Mapping[str, Result]) -> list[list[str]]:
    """The table, below ``HEAD``."""
    return [_row(contest, result, found) for contest, result in missed(found)]


def _row(contest: Contest, result: Result, found: Mapping[str, Result]) -> list[str]:
    ours, java = result["median"][OURS], result["median"][JAVA]
    [must] = [bound.must for bound in contest.bounds if bound.measure == "rate"]
    cpu = ours["client_cpu"] + ours["server_cpu"]
    most = 1e6 * result["machine"]["cores"] / cpu
    processes = f" (ours in {contest.processes} processes)" if contest.processes > 1 else ""
    return [
        f"`{contest.workload}`" + (", gathered" if contest.gathered else ""),
        contest.place,
        f"{contest.clients}{processes}",
        contest.mode,
        f"{must * java['rate']:,.0f}",
        f"{ours['rate']:,.0f}",
        _floor(contest, found),
        f"{ours['client_cpu']:,.0f} + {ours['server_cpu']:,.0f} µs",
        f"{most:,.0f}",
    ]


def _floor(contest: Contest, found: Mapping[str, Result]) -> str:
    """The fastest way of writing, by our storage layer."""
    rates = [
        (found[floor.name]["median"][OURS]["rate"], floor.clients)
        for floor in FLOORS
        if floor.name in found
        and not floor.bare
        and (floor.workload, floor.place) == (contest.workload, contest.place)
        and (floor.way == "full") == (contest.mode == "same phases")
    ]
    if not rates:
        return "not measured"
    rate, clients = max(rates)
    of = "" if clients == contest.clients else f" (by {clients})"
    return f"{rate:,.0f}{of}"


def profiles(found: Mapping[str, Result]) -> list[tuple[str, Sequence[str], list[list[str]]]]:
    """Title, head and rows of each profile that was taken."""
    return [
        (
            f"`{profile.workload}` at {profile.place}: {result['micros']:,.0f} µs",
            ("own µs", "calls", "function"),
            [
                [f"{one['micros']:.1f}", f"{one['calls']:.1f}", f"`{one['name']}`"]
                for one in result["functions"]
            ],
        )
        for profile in PROFILES
        if (result := found.get(profile.name)) is not None
    ]
