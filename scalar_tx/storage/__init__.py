"""Storages: one interface, one folder or module an adapter, one conformance suite for all."""
