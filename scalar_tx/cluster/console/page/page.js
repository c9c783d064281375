// What does an operator see of a node, and do there? Nothing is put into the page but as text.

import { Chart, parsed, quantile, rate, total } from "/console/charts.js";

const EVERY = 2000; // ms between two samples
const STORAGES_EVERY = 15000;
const WINDOW = 5; // samples that a latency and a rate of conflicts are of
const byId = (id) => document.getElementById(id);
const show = (element, shown) => { element.hidden = !shown; };

let session = { csrf: "" };
let samples = [];
let busy = false;
let storagesAt = 0;

const number = (value) => (value >= 100 ? Math.round(value).toLocaleString("en") : value >= 10 ? value.toFixed(1) : value === 0 ? "0" : value.toFixed(2));
const whole = (value) => (Number.isInteger(value) ? value.toLocaleString("en") : number(value));
const seconds = (value) => (value >= 120 ? `${(value / 60).toFixed(1)} min` : value >= 1 ? `${value.toFixed(1)} s` : `${number(1000 * value)} ms`);

const charts = {
  rates: new Chart("Transactions a second", ["ended", "aborted", "rolled back"], number),
  latency: new Chart("Latency", ["median", "p99"], seconds),
  open: new Chart("Open transactions", ["open"], whole),
  conflicts: new Chart("Conflicts and retries a second", ["conflicts", "retries"], number),
};
byId("charts").append(...Object.values(charts).map((chart) => chart.element));

class Refused extends Error {
  constructor(status, told) {
    super(told.advice ? `${told.message}. ${told.advice}.` : `${told.message}.`);
    this.status = status;
  }
}

async function ask(path, body) {
  const post = body !== undefined && {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrf },
    body: JSON.stringify(body),
  };
  const answer = await fetch(`/console/api/${path}`, post || {});
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, told.error || { message: `The node answers with ${answer.status}` });
  }
  return answer.json();
}

function made(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

// Rows are kept, so that what is marked to be copied stays marked.
function fill(body, rows) {
  const labels = [...body.closest("table").tHead.rows[0].cells].map((cell) => cell.textContent);
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, index) => {
    const row = body.rows[index] || body.insertRow();
    cells.forEach((text, place) => {
      const cell = row.cells[place] || row.insertCell();
      cell.dataset.label = labels[place];
      if (cell.textContent !== text) cell.textContent = text;
    });
  });
}

// Who it is.

async function begin() {
  try {
    session = await ask("session");
  } catch (error) {
    return say("the node does not answer", "bad", error.message);
  }
  byId("version").textContent = session.version;
  const within = !session.asks || session.user !== null;
  show(byId("log-in"), !within);
  show(byId("console"), within);
  show(byId("who"), session.asks && within);
  byId("user").textContent = session.superuser ? `${session.user}, superuser` : session.user || "";
  if (!within) {
    say("not logged in", "");
    samples = [];
    byId("log-in").elements.user.focus();
    return undefined;
  }
  storagesAt = 0;
  await Promise.all([tables(), sample()]);
  return undefined;
}

byId("log-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, problem = byId("log-in-problem");
  const said = { user: form.elements.user.value, password: form.elements.password.value };
  form.elements.password.value = "";
  show(problem, false);
  try {
    await ask("log-in", said);
  } catch (error) {
    problem.textContent = error.message;
    show(problem, true);
    if (error.status === 403) await begin(); // the page was older than the node
    form.elements.password.focus();
    return;
  }
  form.reset();
  await begin();
  byId("content").focus();
});

byId("log-out").addEventListener("click", async () => {
  try {
    await ask("log-out", {});
  } finally {
    for (const id of ["open-rows", "stuck-records", "storages-rows", "workers-rows"]) byId(id).replaceChildren();
    byId("stuck-said").textContent = "";
    await begin();
  }
});

// What is seen.

function say(text, kind, trouble) {
  const badge = byId("state");
  badge.className = `badge ${kind}`;
  if (badge.textContent !== text) badge.textContent = text;
  const place = byId("trouble");
  show(place, Boolean(trouble));
  if (place.textContent !== (trouble || "")) place.textContent = trouble || "";
}

async function sample() {
  if (busy || document.hidden || byId("console").hidden) return;
  busy = true;
  try {
    const [overview, text] = await Promise.all([ask("overview"), fetch("/metrics").then((answer) => answer.text())]);
    samples.push({ time: performance.now() / 1000, metrics: parsed(text) });
    samples = samples.slice(-31);
    showOverview(overview);
    showLoad();
    showConflicts();
    if (Date.now() - storagesAt > STORAGES_EVERY) {
      storagesAt = Date.now();
      storages();
    }
  } catch (error) {
    if (error.status === 401) await begin();
    else say("the node does not answer", "bad", error.message);
  } finally {
    busy = false;
  }
}

function showOverview(found) {
  if (found.leaving) say("leaving", "warning", found.trouble);
  else if (found.paused) say("paused", "warning", found.trouble);
  else say(found.ready ? "ready" : "not ready", found.ready ? "good" : "bad", found.trouble);
  const listed = found.transactions, oldest = listed.length ? `, the oldest for ${seconds(listed[0].age)}` : "";
  byId("open-count").textContent = `${found.count.toLocaleString("en")}${oldest}`;
  let note = "";
  if (!found.count) note = "None is open.";
  else if (listed.length < found.count) {
    note = session.superuser ? `The ${listed.length} oldest are shown.` : `Yours are shown: ${listed.length}${listed.length === 100 ? " oldest" : ""}.`;
  }
  byId("open-note").textContent = note;
  fill(byId("open-rows"), listed.map((one) => [one.id, one.owner, seconds(one.age), one.rest ? seconds(one.rest) : "at work", String(one.worker)]));
  fill(byId("workers-rows"), found.workers.map((one) => [
    one.name,
    one.process === null ? "none" : String(one.process),
    !one.serving ? "starting" : one.storage_seen ? "serving" : "waits for its storage",
    one.open === null ? "no answer" : one.open.toLocaleString("en"),
    String(one.restarts),
  ]));
}

function showLoad() {
  const now = samples.at(-1), before = samples.at(-2), window = samples.at(-1 - WINDOW) || samples[0];
  const each = (name) => rate(before, now, name);
  charts.rates.add(now.time, ["total", "abort_total", "rollback_total"].map((name) => each(`scalardb_transaction_${name}`)));
  const latency = (share) => (window === now ? null : quantile(window, now, share, "scalardb_transaction_latency_seconds"));
  charts.latency.add(now.time, [latency(0.5), latency(0.99)]);
  charts.open.add(now.time, [total(now.metrics, "scalardb_node_open_transactions")]);
  charts.conflicts.add(now.time, ["scalardb_conflict_total", "scalardb_run_retries_total"].map((name) => (before ? each(name) ?? 0 : null)));
}

function showConflicts() {
  const now = samples.at(-1), before = samples[0];
  const name = ({ labels }) => JSON.stringify([`${labels.namespace}.${labels.table}`, labels.cause]);
  const earlier = new Map((before.metrics.get("scalardb_conflict_total") || []).map((one) => [name(one), one.value]));
  const minutes = (now.time - before.time) / 60;
  const found = (now.metrics.get("scalardb_conflict_total") || [])
    .filter((one) => one.value > 0)
    .sort((one, other) => other.value - one.value)
    .slice(0, 50);
  show(byId("conflicts-note"), !found.length);
  show(byId("conflicts-table"), found.length > 0);
  fill(byId("conflicts-rows"), found.map((one) => [
    ...JSON.parse(name(one)),
    minutes > 0 ? number((one.value - (earlier.get(name(one)) || 0)) / minutes) : "–",
    one.value.toLocaleString("en"),
  ]));
}

async function storages() {
  try {
    const { storages: found } = await ask("storages");
    const kind = { good: "good", warning: "warning" };
    byId("storages-rows").replaceChildren(...found.map((one) => {
      const article = made("article");
      const title = made("h3", `${one.name === one.kind ? one.kind : `${one.name} (${one.kind})`} `);
      title.append(made("span", one.verdict, `badge ${kind[one.verdict] || "bad"}`));
      article.append(title, made("p", `Asked in ${seconds(one.seconds)}.`, "note"));
      if (one.findings.length) {
        const list = made("dl");
        for (const finding of one.findings) {
          list.append(made("dt", finding.subject), made("dd", finding.text, kind[finding.verdict] === "warning" || finding.verdict === "bad" ? finding.verdict : ""));
        }
        article.append(list);
      }
      return article;
    }));
  } catch (error) {
    byId("storages-rows").replaceChildren(made("p", error.message, "problem"));
  }
}

// Stuck records.

async function tables() {
  const select = byId("look").elements.table, chosen = select.value;
  try {
    const { tables: found } = await ask("tables");
    select.replaceChildren(...found.map((name) => new Option(name, name, false, name === chosen)));
    byId("look").querySelector("button").disabled = !found.length;
    byId("stuck-said").textContent = found.length ? "" : "There is no table that you may read.";
  } catch (error) {
    byId("stuck-said").textContent = error.message;
  }
}

byId("look").addEventListener("submit", (event) => {
  event.preventDefault();
  look("");
});

async function look(before) {
  const { table, older } = byId("look").elements, said = byId("stuck-said"), button = byId("look").querySelector("button");
  button.disabled = true;
  said.textContent = `${before}Looking through ${table.value} …`;
  try {
    const query = new URLSearchParams({ table: table.value, older: older.value });
    const found = await ask(`stuck?${query}`);
    const count = found.records.length;
    const records = count === 0 ? "No record is stuck." : count === 1 ? "1 record is stuck." : `${count} records are stuck.`;
    said.textContent = `${before}${records}${found.complete ? "" : " There may be more: the table was not read to its end."}`;
    byId("stuck-records").replaceChildren(...found.records.map((one) => stuckRecord(table.value, one, found.may_settle)));
  } catch (error) {
    said.textContent = before + error.message;
    if (error.status === 401) await begin();
  } finally {
    button.disabled = false;
  }
}

function stuckRecord(table, one, maySettle) {
  const article = made("article");
  const key = Object.entries(one.shown_key).map(([name, value]) => `${name}=${value}`).join(", ");
  article.append(made("h3", `${table}  ${key}`));
  const facts = made("dl");
  const decision = one.decision || (one.alive ? "none yet, its writer may be alive" : "none, and its writer's time is over");
  for (const [name, value] of [["State", one.state], ["Writer", one.writer || "none"], ["Prepared", `${seconds(one.age)} ago`], ["Decision", decision]]) {
    facts.append(made("dt", name), made("dd", value));
  }
  article.append(facts, images(one), made("p", one.outlook));
  if (maySettle) {
    const button = made("button", "Settle", "do");
    button.type = "button";
    button.setAttribute("aria-label", `Settle ${table} ${key}`);
    button.addEventListener("click", () => settle(button, table, one.key, key));
    article.append(button);
  }
  return article;
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

async function settle(button, table, key, shownKey) {
  button.disabled = true;
  try {
    const { state } = await ask("settle", { table, key });
    await look(state === null ? `${shownKey} was settled already. ` : `${shownKey} is settled: its writer is ${state}. `);
    byId("look").querySelector("button").focus();
  } catch (error) {
    button.disabled = false;
    byId("stuck-said").textContent = error.message;
    if (error.status === 401) await begin();
  }
}

setInterval(sample, EVERY);
document.addEventListener("visibilitychange", sample);
begin();
