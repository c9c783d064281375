"""What can be seen of a running program: how its transactions ended, its traces and its log."""

from __future__ import annotations

from scalar_tx.observe.embedded import metrics_into, serve_metrics

__all__ = ["metrics_into", "serve_metrics"]
