"""Which series do nodes show, and which of them does an expression ask for?"""

from __future__ import annotations

import re
from typing import Final

# Without the endings of histograms. What is behind a name are its labels.
SERIES: Final[dict[str, tuple[str, ...]]] = {
    "scalardb_transaction_latency_seconds": (),
    "scalardb_transaction_total": (),
    "scalardb_transaction_abort_total": (),
    "scalardb_transaction_rollback_total": (),
    "scalardb_run_total": ("outcome",),
    "scalardb_run_retries_total": (),
    "scalardb_conflict_total": ("namespace", "table", "cause"),
    "scalardb_namespace_operation_total": ("namespace", "operation", "outcome"),
    "scalardb_namespace_operation_seconds": ("namespace", "operation"),
    "scalardb_unknown_outcome_total": (),
    "scalardb_unknown_settled_total": ("outcome",),
    "scalardb_recovery_total": ("outcome",),
    "scalardb_storage_error_total": ("storage", "kind"),
    "scalardb_storage_clock_skew_seconds": ("storage",),
    "scalardb_coordinator_row_written_total": ("state",),
    "scalardb_coordinator_row_cleaned_total": (),
    "scalardb_build_info": ("version",),
    "scalardb_node_open_transactions": (),
    "scalardb_node_open_scanners": (),
    "scalardb_node_oldest_transaction_seconds": (),
    "scalardb_node_paused": (),
    "scalardb_node_paused_seconds": (),
    "scalardb_node_ready": (),
    "scalardb_node_workers": (),
    "scalardb_node_workers_wanted": (),
    "scalardb_node_worker_restarts_total": (),
    "scalardb_node_certificate_expiry_timestamp_seconds": (),
}
# What nodes show besides that offer the five services.
OF_THE_SERVICES: Final[dict[str, tuple[str, ...]]] = {
    "scalar_auditor_requests_total": ("service", "method", "code"),
    "scalar_auditor_request_seconds": ("service", "method"),
    "scalar_auditor_log_in_failures_total": (),
    "scalar_auditor_ingest_lag_seconds": ("user_id",),
    "scalar_auditor_importer_seen_timestamp_seconds": ("user_id",),
    "scalar_auditor_items_found_tampered_total": (),
}
# What others show: Prometheus itself, and kube-state-metrics.
OTHERS: Final = {
    "up",
    "kube_cronjob_status_last_successful_time",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
    "kube_pod_container_status_waiting_reason",
    "kube_pod_status_phase",
    "kube_statefulset_replicas",
    "kube_statefulset_status_replicas_ready",
}

_OURS: Final = SERIES.keys() | OF_THE_SERVICES.keys()
_HISTOGRAMS: Final = {name for name in _OURS if name.endswith("_seconds")} - {
    "scalar_auditor_importer_seen_timestamp_seconds",
    "scalar_auditor_ingest_lag_seconds",
    "scalardb_storage_clock_skew_seconds",
    "scalardb_node_oldest_transaction_seconds",
    "scalardb_node_paused_seconds",
    "scalardb_node_certificate_expiry_timestamp_seconds",
}
SHOWN: Final = (
    (_OURS - _HISTOGRAMS)
    | {f"{name}_{part}" for name in _HISTOGRAMS for part in ("bucket", "count", "sum")}
    | OTHERS
)

# No names of series: texts, selectors, ranges, lists of labels; and words of the language.
_NO_SERIES: Final = (
    re.compile(r'"[^"]*"'),
    re.compile(r"\{[^}]*\}"),
    re.compile(r"\[[^\]]*\]"),
    re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)"),
)
_WORDS: Final = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
_NAME: Final = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\b(?!\s*\()")


def asked_for(expression: str) -> set[str]:
    """The names of series, recorded ones included, in an expression of Prometheus.

    Whatever it is that is neither a function nor a word of the language: a name that is misspelt is
    among them, too.
    """
    for pattern in _NO_SERIES:
        expression = pattern.sub(" ", expression)
    return {name for name in _NAME.findall(expression) if name.lower() not in _WORDS}
