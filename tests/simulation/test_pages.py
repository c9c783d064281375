"""Do the pages about testing name what there is?"""

from __future__ import annotations

import re
from pathlib import Path

from tests.simulation.planted import PLANTED

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| ([^|]+?) \| (\d[\d,]*) \([\w -]+\) \| ([^|]+?) \|$", re.MULTILINE)


def test_the_table_of_planted_mistakes_is_complete() -> None:
    page = (ROOT / "docs/how-we-test.md").read_text(encoding="utf-8")
    rows = {found[1]: int(found[2].replace(",", "")) for found in ROW.finditer(page)}
    assert rows.keys() == PLANTED.keys()
    assert max(rows.values()) <= 100_000


def test_each_violation_has_a_test() -> None:
    page = (ROOT / "docs/track-record.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    assert len(named) >= 10
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    missing = [name for name in named if f"def {name}(" not in sources]
    assert missing == [], "tests that the page names are gone"
