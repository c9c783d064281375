"""Both faces on both storages, as the tests of the faces have them."""

from __future__ import annotations

from tests.faces.conftest import db, face, pytest_pyfunc_call, target

__all__ = ["db", "face", "pytest_pyfunc_call", "target"]
