// Which records has a dead writer left, what were they before, and how are they settled?

import { made, marked } from "/console/elements.js";
import { seconds } from "/console/formats.js";
import { Panel } from "/console/panel.js";

const NOTE = "Records that a transaction has prepared and nobody has finished. Whoever reads one finishes it; "
  + "looking here does not. The whole table is read, up to 10 seconds long.";

export default class Stuck extends Panel {
  static title = "Stuck records";

  constructor(name, page) {
    super(name, page);
    this.form = marked("look", made("form", undefined, "row"));
    this.table = made("select");
    this.older = made("input");
    this.button = made("button", "Look");
    Object.assign(this.table, { name: "table", required: true });
    Object.assign(this.older, { name: "older", type: "number", min: "0", max: "1000000", defaultValue: "15", required: true });
    this.button.type = "submit";
    const labels = [["Table ", this.table], ["Older than (seconds) ", this.older]].map(([text, field]) => {
      const label = made("label", text);
      label.append(field);
      return label;
    });
    this.form.append(...labels, this.button);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.look("");
    });
    this.said = marked("stuck-said", made("p"));
    this.said.setAttribute("role", "status");
    this.records = marked("stuck-records", made("div"));
    this.section.append(made("p", NOTE, "note"), this.form, this.said, this.records);
  }

  async entered() {
    const chosen = this.table.value;
    try {
      const { tables } = await this.page.ask("tables");
      this.table.replaceChildren(...tables.map((name) => new Option(name, name, false, name === chosen)));
      this.button.disabled = !tables.length;
      this.said.textContent = tables.length ? "" : "There is no table that you may read.";
    } catch (error) {
      this.said.textContent = error.message;
    }
  }

  cleared() {
    this.records.replaceChildren();
    this.said.textContent = "";
  }

  async look(before) {
    const table = this.table.value;
    this.button.disabled = true;
    this.said.textContent = `${before}Looking through ${table} …`;
    try {
      const query = new URLSearchParams({ table, older: this.older.value });
      const found = await this.page.ask(`stuck?${query}`);
      const count = found.records.length;
      const records = count === 0 ? "No record is stuck." : count === 1 ? "1 record is stuck." : `${count} records are stuck.`;
      this.said.textContent = `${before}${records}${found.complete ? "" : " There may be more: the table was not read to its end."}`;
      this.records.replaceChildren(...found.records.map((one) => this.record(table, one, found.may_settle)));
    } catch (error) {
      this.said.textContent = before + error.message;
      if (error.status === 401) await this.page.begin();
    } finally {
      this.button.disabled = false;
    }
  }

  record(table, one, maySettle) {
    const article = made("article");
    const key = Object.entries(one.shown_key).map(([name, value]) => `${name}=${value}`).join(", ");
    article.append(made("h3", `${table}  ${key}`), facts(one), images(one), made("p", one.outlook));
    if (maySettle) {
      const button = made("button", "Settle", "do");
      button.type = "button";
      button.setAttribute("aria-label", `Settle ${table} ${key}`);
      button.addEventListener("click", () => this.settle(button, table, one.key, key));
      article.append(button);
    }
    return article;
  }

  async settle(button, table, key, shownKey) {
    button.disabled = true;
    try {
      const { state } = await this.page.ask("settle", { table, key });
      await this.look(state === null ? `${shownKey} was settled already. ` : `${shownKey} is settled: its writer is ${state}. `);
      this.button.focus();
    } catch (error) {
      button.disabled = false;
      this.said.textContent = error.message;
      if (error.status === 401) await this.page.begin();
    }
  }
}

function facts(one) {
  const list = made("dl");
  const decision = one.decision || (one.alive ? "none yet, its writer may be alive" : "none, and its writer's time is over");
  for (const [name, value] of [["State", one.state], ["Writer", one.writer || "none"], ["Prepared", `${seconds(one.age)} ago`], ["Decision", decision]]) {
    list.append(made("dt", name), made("dd", value));
  }
  return list;
}

function images(one) {
  const table = made("table", undefined, "images"), head = table.createTHead().insertRow();
  for (const name of ["Column", "Before", "After"]) {
    const cell = made("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  const columns = Object.keys(one.after || one.before || {});
  for (const name of columns.length ? columns : [""]) {
    const row = body.insertRow();
    const cell = (image) => (image === null ? "(no record)" : name ? image[name] : "the record");
    const [before, after] = [cell(one.before), cell(one.after)];
    row.append(made("td", name), made("td", before, "code"), made("td", after, before === after ? "code" : "code new"));
  }
  return table;
}
