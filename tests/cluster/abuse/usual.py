"""A client that behaves well, in a process of its own, and how long its transactions take.

Lines of JSON on standard input say where the node is, then each for how many seconds to work; each
of those is answered by a line with the latencies' 99th percentile and their number.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import scalar_tx

TABLE = "abuse.usual"
PAUSE = 0.004  # seconds


def phase(db: Any, seconds: float) -> dict[str, float]:
    took = []
    ends = time.monotonic() + seconds
    while (began := time.monotonic()) < ends:
        with db.begin() as tx:
            found = tx.get(TABLE, {"id": 1})
            tx.update(TABLE, {"id": 1}, {"n": found["n"] + 1})
            tx.commit()
        took.append(time.monotonic() - began)
        time.sleep(PAUSE)  # it leaves the processors some rest: else it measures them alone
    took.sort()
    return {
        "p99": took[int(len(took) * 0.99)],
        "p50": took[len(took) // 2],
        "number": len(took),
        "slowest": took[-1],
    }


def main() -> None:
    told = json.loads(sys.stdin.readline())
    with scalar_tx.connect(told["url"], **told["user"]) as db:
        for line in sys.stdin:
            print(json.dumps(phase(db, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
