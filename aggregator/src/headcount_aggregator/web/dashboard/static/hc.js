// Reads a chart aloud and by pointer. Every number comes from the page's own table, so that what
// is read is what is written; without this file the page says the same.
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const svg = figure.querySelector("svg.chart");
  const plot = svg?.querySelector("svg.plot");
  const out = figure.querySelector("output");
  if (!plot || !out || !figure.querySelector("tbody tr")) continue;
  // A page of a year has a thousand rows: they are looked at when the chart is, not before the page is painted.
  let found;
  const table = () =>
    (found ??= {
      rows: [...figure.querySelectorAll("table tbody tr")],
      names: [...figure.querySelectorAll("thead th")].slice(1).map((th) => th.textContent.trim()),
    });
  const cursor = plot.querySelector(".cursor");
  const frame = figure.querySelector(".frame");
  const idle = out.textContent;
  let at = -1;

  const words = (cell) => (cell.querySelector(".v") ?? cell).textContent.trim().replace(/\s+/g, " ");
  const show = (row) => {
    const { rows, names } = table();
    at = Math.max(0, Math.min(rows.length - 1, row));
    const [head, ...cells] = rows[at].cells;
    cursor.setAttribute("transform", `translate(${((at + 0.5) / rows.length) * plot.viewBox.baseVal.width})`);
    frame.classList.add("reading");
    const parts = cells.map((cell, i) => (cells.length > 1 ? `${names[i]}: ${words(cell)}` : words(cell)));
    out.textContent = `${words(head)} – ${parts.join(", ")}`;
  };
  const rest = () => {
    at = -1;
    frame.classList.remove("reading");
    out.textContent = idle;
  };

  frame.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    show(Math.floor(((event.clientX - box.left) / box.width) * table().rows.length));
  });
  frame.addEventListener("pointerleave", () => document.activeElement === frame || rest());
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", frame.dataset.keys);
  frame.addEventListener("blur", rest);
  frame.addEventListener("focus", () => {
    if (at >= 0 || !frame.matches(":focus-visible")) return;
    show(Infinity);
    frame.scrollIntoView({ block: "nearest" });
  });
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") rest();
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    show((at < 0 ? table().rows.length - 1 : at) + step);
  });
}

// The two fields of one's own days, once they are looked for; who has no script has them from the page.
const own = document.querySelector("details.own");
const fields = () => {
  for (const place of own.querySelectorAll("noscript")) {
    const field = document.createElement("input");
    Object.assign(field, { type: "date", name: place.dataset.name, defaultValue: place.dataset.day, required: true });
    place.replaceWith(field);
  }
};
if (own?.open) fields();
own?.addEventListener("toggle", fields, { once: true });

// On a phone the pages scroll sideways: the current one is brought into sight, and whichever the keyboard comes to.
const pages = document.querySelector("nav.pages");
const current = pages?.querySelector("[aria-current]");
if (current && innerWidth < 1000) pages.scrollLeft = current.offsetLeft - (pages.clientWidth - current.offsetWidth) / 2;
pages?.addEventListener("focusin", (event) => event.target.scrollIntoView({ block: "nearest", inline: "center" }));
