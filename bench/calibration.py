"""How fast is this machine, at this moment, at running Python?

A fixed loop of what the library does all day: calls, dictionaries, tuples, small objects, text.
Figures are given as multiples of it, so that machines and days can be compared. Changing the loop
makes all earlier figures meaningless.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

ROUNDS = 100  # in one loop


@dataclass(frozen=True, slots=True)
class _Small:
    name: str
    values: dict[str, int]


def _touch(small: _Small, key: tuple[str, int]) -> int:
    found = small.values.get(key[0])
    return key[1] if found is None else found + 1


def loop() -> int:
    """One calibration loop."""
    total = 0
    for number in range(ROUNDS):
        values = {"id": number, "balance": total, "state": 3}
        small = _Small(f"bank.account {number}", values)
        copied = dict(small.values)
        copied["balance"] = _touch(small, ("balance", number))
        if copied != small.values:
            total += sum([copied[name] for name in ("id", "state")])
    return total


EXPECTED = loop()


def cpu_seconds(loops: int) -> float:
    """CPU time of one loop, the mean of that many."""
    begun = time.process_time()
    for _ in range(loops):
        found = loop()
    spent = time.process_time() - begun
    assert found == EXPECTED
    return spent / loops
