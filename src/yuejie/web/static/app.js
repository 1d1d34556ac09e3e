// What pages do beyond HTML: draw charts, sort and filter tables, ask before what cannot be undone.
"use strict";

const amount = (pieces, places = 2) =>
  (pieces / 10 ** places).toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });

// A range is drawn as an unseen line with a shaded one on top of it.
const line = (one, kind) => ({
  name: one.name,
  type: one.as || (kind === "line" ? "line" : "bar"),
  data: one.fen,
  barMaxWidth: 28,
  stack: one.stack || (kind === "stack" ? "all" : undefined),
  ...(one.shade === undefined ? {} : { lineStyle: { opacity: 0 }, areaStyle: { opacity: one.shade }, symbol: "none" }),
});

function draw(box) {
  const { kind, labels, series, unit, places } = JSON.parse(box.dataset.chart);
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--tblr-body-color").trim();
  const rule = style.getPropertyValue("--tblr-border-color").trim();
  const lying = kind === "hbar";
  const told = (points) =>
    [points[0].axisValueLabel]
      .concat(
        points
          .filter(({ seriesIndex, value }) => value != null && !series[seriesIndex].ghost)
          .map(({ seriesIndex, dataIndex, value }) => {
            const { name, said } = series[seriesIndex];
            return `${name}: ${said ? said[dataIndex] : `${amount(value, places)} ${unit}`.trim()}`;
          }),
      )
      .join("\n");
  const names = { type: "category", data: labels, axisLabel: { color: ink }, inverse: lying };
  const values = {
    type: "value",
    axisLabel: { color: ink, formatter: (pieces) => (pieces / 10 ** places).toLocaleString("en-US") },
    splitLine: { lineStyle: { color: rule } },
  };
  const chart = echarts.init(box, null, { renderer: "svg" });
  chart.setOption({
    animation: false,
    color: ["#206bc4", "#f59f00", "#2fb344", "#d6336c", "#4299e1"],
    grid: { left: 8, right: 16, top: series.length > 1 ? 32 : 12, bottom: 8, containLabel: true },
    legend: series.length > 1
      ? { textStyle: { color: ink }, type: "scroll", top: 0, data: series.filter((one) => !one.ghost).map((one) => one.name) }
      : undefined,
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      valueFormatter: (pieces) => (pieces == null ? "—" : `${amount(pieces, places)} ${unit}`.trim()),
      formatter: kind === "band" ? told : undefined,
    },
    xAxis: lying ? values : names,
    yAxis: lying ? names : values,
    series: series.map((one) => line(one, kind)),
  });
  new ResizeObserver(() => chart.resize()).observe(box);
}

function sort(header) {
  const table = header.closest("table");
  const body = table.tBodies[0];
  const at = [...header.parentNode.children].indexOf(header);
  const up = header.getAttribute("aria-sort") !== "ascending";
  const value = (row) => {
    const cell = row.cells[at];
    const told = cell.dataset.value;
    return told === undefined ? cell.textContent.trim() : Number(told);
  };
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
    return up ? order : -order;
  });
  for (const each of header.parentNode.children) each.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  body.append(...rows);
}

function narrow(table, text) {
  const wanted = text.trim().toLowerCase();
  for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
}

const filter = (box) => narrow(document.querySelector(box.dataset.filter), box.value);

// A cell that a spreadsheet would compute gets an apostrophe, as in every file of ours.
const cell = (text) => {
  const plain = text.replace(/\s+/g, " ").trim();
  const number = /^-?[\d,]+(\.\d+)?$/.test(plain);
  const harmless = number ? plain.replaceAll(",", "") : /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return `"${harmless.replaceAll('"', '""')}"`;
};

function exported(table) {
  const rows = [table.tHead.rows[0], ...[...table.tBodies[0].rows].filter((row) => !row.hidden)];
  const width = table.tHead.rows[0].cells.length;
  const told = [...table.tHead.rows[0].cells].map((each) => each.textContent.trim() !== "");
  return rows
    .map((row) => [...row.cells].slice(0, width).filter((_, at) => told[at]).map((each) => cell(each.innerText)).join(","))
    .join("\r\n");
}

// Every list of some length can be narrowed and taken home as it stands; whole lists have their own files.
const TOOLS_FROM = 6;

function tools(table) {
  if (table.tBodies[0].rows.length < TOOLS_FROM) return;
  const words = document.body.dataset;
  const bar = document.createElement("div");
  bar.className = "toolbar d-print-none";
  const box = document.createElement("input");
  Object.assign(box, { type: "search", className: "form-control form-control-sm", placeholder: words.filterWord });
  box.setAttribute("aria-label", words.filterWord);
  box.addEventListener("input", () => narrow(table, box.value));
  const file = document.createElement("button");
  Object.assign(file, { type: "button", className: "btn btn-sm", textContent: words.exportWord });
  file.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", exported(table)], { type: "text/csv" }));
    link.download = `${location.pathname.split("/").filter(Boolean).join("-") || "yuejie"}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  bar.append(box, file);
  const frame = table.closest(".table-responsive");
  frame.before(bar);
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("table.sortable").forEach(tools);
  if (window.echarts) document.querySelectorAll(".chart").forEach(draw);
  document.querySelectorAll("table.sortable thead th").forEach((header) => {
    if (!header.textContent.trim()) return;
    header.tabIndex = 0;
    header.addEventListener("click", () => sort(header));
    header.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        sort(header);
      }
    });
  });
  document.querySelectorAll("[data-filter]").forEach((box) => {
    box.addEventListener("input", () => filter(box));
  });
});

// "/" goes to what can be searched or filled in, wherever one is on a page.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
  const box = document.querySelector(".toolbar input, main input:not([type=hidden]):not([type=file])");
  if (!box) return;
  event.preventDefault();
  box.focus();
});

// Up and down walk along what is marked for it: amounts to apportion, receipts to open.
document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-walk]") || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const stops = [...document.querySelectorAll("[data-walk]")];
  const next = stops[stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
});
function copyable(button) {
  // Browsers lend the clipboard over https or to this machine only; elsewhere one click selects all.
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
    button.classList.add("btn-success");
  });
}
document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-copy]").forEach(copyable));
document.addEventListener("htmx:afterSettle", () => document.querySelectorAll("[data-copy][hidden]").forEach(copyable));

document.addEventListener("htmx:confirm", (event) => {
  const button = event.detail.elt.querySelector("[data-sure]");
  if (!button) return;
  event.preventDefault();
  if (confirm(button.dataset.sure)) event.detail.issueRequest(true);
});

// A refusal takes the sentence of the deed before it away: beside it, it would read as this one's.
document.addEventListener("htmx:responseError", () => document.getElementById("flash")?.remove());
