"""When is memory given back?"""

from __future__ import annotations

from scalar_tx.cluster.freed_memory import FreedMemory


def test_memory_is_given_back_three_times_behind_each_peak() -> None:
    times, now = [], 100.0

    def given() -> None:
        times.append(now)

    freed = FreedMemory(given, lambda: now)
    for now, count in ((101, 5), (102, 0), (103, 100), (104, 60), (105, 50), (106, 0)):
        freed.look(count)
    assert times == [105]  # a few are no peak
    for now in range(107, 140):
        freed.look(0)
    assert times == [105, 110, 115]  # not too often, and not for ever
    for now, count in ((140, 40), (141, 0)):
        freed.look(count)
    assert times == [105, 110, 115, 141]
