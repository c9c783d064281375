"""When is memory given back?"""

from __future__ import annotations

from scalar_tx.cluster.freed_memory import FreedMemory


def test_memory_is_given_back_three_times_behind_each_peak() -> None:
    times: list[float] = []
    now = [100.0]
    freed = FreedMemory(lambda: times.append(now[0]), lambda: now[0])

    def look(*counts: int) -> None:
        for count in counts:  # one a second
            now[0] += 1
            freed.look(count)

    look(5, 0, 100, 60, 50, 0)
    assert times == [105]  # a few are no peak
    look(*[0] * 33)
    assert times == [105, 110, 115]  # not too often, and not for ever
    look(40, 0)
    assert times == [105, 110, 115, 141]
