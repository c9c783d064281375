// How is the page put together? Nothing is put into it but as text.

export const byId = (id) => document.getElementById(id);
export const show = (element, shown) => { element.hidden = !shown; };

export function made(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

export function marked(id, element) {
  element.id = id;
  return element;
}

// A table of which narrow screens show each row as a block; `id` is that of its body.
export function tableOf(headings, id) {
  const table = made("table", undefined, "stacked"), row = table.createTHead().insertRow();
  for (const heading of headings) {
    const cell = made("th", heading);
    cell.scope = "col";
    row.append(cell);
  }
  marked(id, table.createTBody());
  return table;
}

// Rows are kept, so that what is marked to be copied stays marked.
export function fill(body, rows) {
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
