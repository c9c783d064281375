"""``python -m tests.hermitage``: which anomalies are reached, in how many interleavings?"""

from __future__ import annotations

import sys
import time

from scalar_tx.model.isolation import Isolation
from tests.hermitage.all_interleavings import search
from tests.hermitage.places import MEMORY
from tests.hermitage.programs import PROGRAMS


def main() -> int:
    """Print a line for each program, level and place."""
    for program in PROGRAMS:
        for level in Isolation:
            for name, make in MEMORY.items():
                began = time.perf_counter()
                found = search(make(), program, level)
                reached = found.showing(program.anomaly)
                print(
                    f"{program.name:<19} {level.value:<15} {name:<9} "
                    f"{'allowed' if level in program.allowed else 'forbidden':<10}"
                    f"{reached:>24,} of {found.total:>26,}  {len(found.interleavings):>4} endings "
                    f"{found.positions:>8,} positions {found.calls:>3} calls "
                    f"{time.perf_counter() - began:6.2f} s",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
