"""A registry that counts this process's transactions for one test, and what it holds."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from scalar_tx.observe import metrics_into


class Counts:
    """What was counted since it was made."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counting = metrics_into(self.registry)

    def of(self, name: str, **labels: str) -> float:
        """A series without the library's own beginning; one that is not there is 0."""
        return self.registry.get_sample_value(f"scalardb_{name}", labels) or 0

    def labelled(self, name: str) -> dict[tuple[str, ...], float]:
        """All series of a name that are not 0, by the values of their labels."""
        return {
            tuple(sample.labels.values()): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == f"scalardb_{name}" and sample.value
        }
