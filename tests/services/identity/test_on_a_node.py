"""On a real node: do its own tokens open no service, and a service's token nothing of its own?"""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.nodes

NAMESPACE = Path(__file__).resolve().parents[3] / "namespaces" / "identity.json"
