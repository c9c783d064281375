"""Where are the files that say which tables the services need?"""

from __future__ import annotations

from pathlib import Path

from scalar_auditor.services import NAMES

_INSTALLED = Path(__file__).parent / "namespaces"
_IN_A_CHECKOUT = Path(__file__).parents[2] / "namespaces"


def schema_files() -> list[Path]:
    """One file a namespace, in the schema loader's format."""
    folder = _INSTALLED if _INSTALLED.is_dir() else _IN_A_CHECKOUT
    return [folder / f"{name}.json" for name in NAMES]
