// Which processes does the node consist of, and do they serve?

import { fill, tableOf } from "/console/elements.js";
import { Panel } from "/console/panel.js";

export default class Workers extends Panel {
  static title = "Workers";
  static asks = "overview";

  constructor(name, page) {
    super(name, page);
    const table = tableOf(["Worker", "Process", "State", "Open transactions", "Restarts"], "workers-rows");
    this.rows = table.tBodies[0];
    this.section.append(table);
  }

  draw({ workers }) {
    fill(this.rows, workers.map((one) => [
      one.name,
      one.process === null ? "none" : String(one.process),
      !one.serving ? "starting" : one.storage_seen ? "serving" : "waits for its storage",
      one.open === null ? "no answer" : one.open.toLocaleString("en"),
      String(one.restarts),
    ]));
  }

  cleared() {
    this.rows.replaceChildren();
  }
}
