"""What is a planted bug? Parts of the protocol, replaced for a while by wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

# What is replaced: where, which attribute, by what.
Patches: TypeAlias = list[tuple[object, str, Any]]
Bug: TypeAlias = Callable[[], Patches]
