// Are the storages there, and what would the doctor say of each?

import { made, marked } from "/console/elements.js";
import { seconds } from "/console/formats.js";
import { Panel } from "/console/panel.js";

const KINDS = { good: "good", warning: "warning" };

export default class Storages extends Panel {
  static title = "Storages";
  static asks = "storages";
  static every = 15000;

  constructor(name, page) {
    super(name, page);
    this.rows = marked("storages-rows", made("div"));
    this.rows.append(made("p", "They are being asked.", "note"));
    this.section.append(this.rows);
  }

  draw({ storages }) {
    this.rows.replaceChildren(...storages.map(article));
  }

  cleared() {
    this.rows.replaceChildren();
  }

  fail(error) { // instead of what was known of them
    if (error) this.rows.replaceChildren(made("p", error.message, "problem"));
    else super.fail(null);
  }
}

function article(one) {
  const whole = made("article");
  const title = made("h3", `${one.name === one.kind ? one.kind : `${one.name} (${one.kind})`} `);
  title.append(made("span", one.verdict, `badge ${KINDS[one.verdict] || "bad"}`));
  whole.append(title, made("p", `Asked in ${seconds(one.seconds)}.`, "note"));
  if (one.findings.length) {
    const list = made("dl");
    for (const finding of one.findings) {
      list.append(made("dt", finding.subject), made("dd", finding.text, KINDS[finding.verdict] === "warning" || finding.verdict === "bad" ? finding.verdict : ""));
    }
    whole.append(list);
  }
  return whole;
}
