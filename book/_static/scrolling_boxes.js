// @ts-check
/* What is too wide scrolls in its own box. A box that scrolls can be reached by Tab, so that the
 * arrow keys move it, has a name, and (by the style sheet) says that there is more to the right.
 *
 * A printed sentence wraps on a narrow screen; a printed table must not, its columns would be lost.
 * An output of at least two lines is a table if half of them have a gap of two spaces in the line. */
const GAP = /\S {2,}\S/;
const BOXES = {
  ".pst-scrollable-table-container": "Table, scrolls sideways",
  "div.highlight pre": "Code, scrolls sideways",
  "pre.vt-printed-table": "Printed table, scrolls sideways",
  'mjx-container[display="true"]': "Formula, scrolls sideways",
  ".vt-figure-box": "Figure, scrolls sideways",
  "span.vt-wide-formula": "Formula, scrolls sideways",
};

/** @param {string} text */
function isPrintedTable(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  const aligned = lines.filter((line) => GAP.test(line)).length;
  return aligned >= 2 && aligned >= lines.length / 2;
}

/**
 * @param {HTMLElement} box
 * @param {string} name
 * @param {boolean} scrolls */
function update(box, name, scrolls) {
  box.classList.toggle("vt-scrolls", scrolls);
  if (scrolls) {
    box.tabIndex = 0;
    box.role = "region";
    box.ariaLabel = name;
  } else {
    for (const attribute of ["tabindex", "role", "aria-label"]) box.removeAttribute(attribute);
  }
}

/* A formula in the text becomes a box only where it is wider than its column: a box in a line is
 * a place where a scroll bar may stand. */
function boxWideFormulas() {
  for (const ink of document.querySelectorAll(".bd-article span.math mjx-math")) {
    const column = ink.closest("p, li, td, th, dd, dt, h1, h2, h3, h4, div");
    if (!column) continue;
    const wide = ink.getBoundingClientRect().width > column.clientWidth;
    ink.closest("span.math")?.classList.toggle("vt-wide-formula", wide);
  }
}

function updateAll() {
  boxWideFormulas();
  /** @type {Map<HTMLElement, string>} */
  const boxes = new Map();
  for (const [selector, name] of Object.entries(BOXES)) {
    /** @type {NodeListOf<HTMLElement>} */
    const found = document.querySelectorAll(`.bd-article ${selector}`);
    for (const box of found) boxes.set(box, name);
  }
  // measured without the words that a box gets, which may change its width
  for (const box of boxes.keys()) box.classList.remove("vt-scrolls");
  const wide = [...boxes.keys()].map((box) => box.scrollWidth > box.clientWidth + 1);
  [...boxes].forEach(([box, name], i) => {
    update(box, name, wide[i]);
  });
}

document.addEventListener("DOMContentLoaded", () => {
  for (const pre of document.querySelectorAll("div.cell_output div.output pre")) {
    pre.classList.toggle("vt-printed-table", isPrintedTable(pre.textContent));
  }
  updateAll();
});
window.addEventListener("load", async () => {
  await /** @type {any} */ (window).MathJax?.startup?.promise;
  await document.fonts.ready; // formulas have their width only now
  updateAll();
});
window.addEventListener("resize", updateAll);
