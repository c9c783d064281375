// How much is done, how fast, and how often in vain?

import { Chart, quantile, rate, total } from "/console/charts.js";
import { made, marked } from "/console/elements.js";
import { number, seconds, whole } from "/console/formats.js";
import { Panel } from "/console/panel.js";

const WINDOW = 5; // samples that a latency is of

export default class Load extends Panel {
  static title = "Load";

  constructor(name, page) {
    super(name, page);
    this.charts = {
      rates: new Chart("Transactions a second", ["ended", "aborted", "rolled back"], number),
      latency: new Chart("Latency", ["median", "p99"], seconds),
      open: new Chart("Open transactions", ["open"], whole),
      conflicts: new Chart("Conflicts and retries a second", ["conflicts", "retries"], number),
    };
    const place = marked("charts", made("div", undefined, "charts"));
    place.append(...Object.values(this.charts).map((chart) => chart.element));
    this.section.append(place);
  }

  draw() {
    const { samples } = this.page, { rates, latency, open, conflicts } = this.charts;
    const now = samples.at(-1), before = samples.at(-2), window = samples.at(-1 - WINDOW) || samples[0];
    const each = (name) => rate(before, now, name);
    const share = (part) => (window === now ? null : quantile(window, now, part, "scalardb_transaction_latency_seconds"));
    rates.add(now.time, ["total", "abort_total", "rollback_total"].map((name) => each(`scalardb_transaction_${name}`)));
    latency.add(now.time, [share(0.5), share(0.99)]);
    open.add(now.time, [total(now.metrics, "scalardb_node_open_transactions")]);
    conflicts.add(now.time, ["scalardb_conflict_total", "scalardb_run_retries_total"].map((name) => (before ? each(name) ?? 0 : null)));
  }
}
