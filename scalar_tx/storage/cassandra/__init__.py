"""Cassandra: several programs, Java ones too, on one cluster (Storage specification 3)."""

from __future__ import annotations

from scalar_tx.storage.cassandra.storage import open_cassandra

__all__ = ["open_cassandra"]
