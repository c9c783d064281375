"""A person who behaves well and looks at an audit set, in a process of its own: how long it takes.

Lines of JSON on standard input, as of ``usual``.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from scalar_auditor.client import connect

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient

PAUSE = 0.01  # seconds


def phase(auditor: AuditorClient, told: dict[str, Any], seconds: float) -> dict[str, float]:
    took = []
    ends = time.monotonic() + seconds
    while (began := time.monotonic()) < ends:
        item = auditor.item.get_item(item_id=told["item"], audit_set_id=told["set"])
        assert item.item.item_id == told["item"]
        assert len(list(auditor.audit.list_items(audit_set_id=told["set"]))) == told["items"]
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
    with connect(told["url"], token=told["token"]) as auditor:
        for line in sys.stdin:
            print(json.dumps(phase(auditor, told, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
