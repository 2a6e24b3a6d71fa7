// @ts-check
/* The search page: finds words in the passages that passages.js brings, while the reader types.
 * A page must have every word somewhere, and is listed once, with its best places below it. */

/** @typedef {[anchor: string, heading: string, text: string, code: string]} Passage */
/** @typedef {{ address: string, title: string, chapter: boolean, passages: Passage[] }} Page */
/** @typedef {{ page: Page, words: RegExp[], score: number, places: Passage[] }} Found */
/** @typedef {string | Node} Content */

const PLACES = 3; // shown of one page
const EXCERPT = 160; // characters
const HEADING = 10; // a word in a heading counts as much as this often in the text
const CODE = 0.5; // a word in code counts less than one in the text
const OFTEN = 5; // a word that comes more often in one passage counts no more
const WHOLE = 3; // times, for a passage that has all words

/** A word of the question finds what begins with it: "latent" also "latents", "3.2" not "13.2".
 * @param {string} question */
function patterns(question) {
  const words = question.toLowerCase().match(/[\p{L}\p{N}_]+(?:[.'’-][\p{L}\p{N}_]+)*/gu) ?? [];
  const escaped = [...new Set(words)].map((word) => word.replaceAll(".", "\\."));
  return escaped.map((word) => new RegExp(`(?<![\\p{L}\\p{N}.])${word}`, "giu"));
}

/**
 * @param {RegExp} pattern
 * @param {string} text
 */
const count = (pattern, text) => text.match(pattern)?.length ?? 0;

/**
 * @param {RegExp[]} words
 * @param {Passage} passage
 */
function scorePassage(words, [, heading, text, code]) {
  const scores = words.map(
    (word) =>
      HEADING * Math.min(count(word, heading), 1) +
      Math.min(count(word, text), OFTEN) +
      CODE * Math.min(count(word, code), 1),
  );
  const sum = scores.reduce((a, b) => a + b, 0);
  return scores.every((score) => score > 0) ? WHOLE * sum : sum;
}

/** The question, and the other names under which the glossary has the same: ELBO stands beside
 * "evidence lower bound", which is the title of a chapter that says ELBO in no heading.
 * @param {Page[]} pages
 * @param {string} question */
function synonyms(pages, question) {
  const names = pages.flatMap((page) => page.passages).map(([, heading]) => heading.split(", "));
  const asked = question.trim().toLowerCase();
  const same = names.filter((heads) => heads.some((head) => head.toLowerCase() === asked));
  return [...new Set([question, ...same.flat()])];
}

/** The pages that have every word, best first, with their best places (see findWords).
 * @param {Page[]} pages
 * @param {string} question */
function find(pages, question) {
  /** @type {Map<Page, Found>} */
  const best = new Map();
  for (const result of synonyms(pages, question).flatMap((words) => findWords(pages, words))) {
    if (result.score > (best.get(result.page)?.score ?? 0)) best.set(result.page, result);
  }
  // A chapter explains, so it comes before the pages in which things are looked up.
  /**
   * @param {Found} a
   * @param {Found} b
   */
  const chapterFirst = (a, b) =>
    Number(b.page.chapter) - Number(a.page.chapter) || b.score - a.score;
  return [...best.values()].sort(chapterFirst);
}

/**
 * @param {Page[]} pages
 * @param {string} question
 * @returns {Found[]}
 */
function findWords(pages, question) {
  const words = patterns(question);
  if (words.length === 0) return [];
  /** @type {Found[]} */
  const found = [];
  for (const page of pages) {
    const everything = page.passages.flatMap(([, ...texts]) => texts).join(" ");
    if (!words.every((word) => count(word, everything) > 0)) continue;
    const places = page.passages
      .map((passage) => ({ passage, score: scorePassage(words, passage) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score);
    const rest = places.slice(1).reduce((sum, { score }) => sum + score, 0);
    const score = places[0].score + rest / 4;
    found.push({
      page,
      words,
      score,
      places: places.slice(0, PLACES).map(({ passage }) => passage),
    });
  }
  return found;
}

/** The part of a text around the first word found, cut between words.
 * @param {RegExp[]} words
 * @param {string} text */
function excerpt(words, text) {
  const at = Math.min(...words.map((word) => text.search(word)).filter((at) => at >= 0));
  if (text.length <= EXCERPT) return text;
  const middle = Number.isFinite(at) ? at : 0;
  let start = Math.max(0, Math.min(middle - EXCERPT / 3, text.length - EXCERPT));
  if (start > 0) start = text.indexOf(" ", start) + 1;
  const end = start + EXCERPT < text.length ? text.lastIndexOf(" ", start + EXCERPT) : text.length;
  return (start > 0 ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
}

/**
 * @param {string} name
 * @param {Content | Content[]} content
 * @param {Record<string, string>} options
 */
function element(name, content, options = {}) {
  const made = Object.assign(document.createElement(name), options);
  made.append(...[content].flat());
  return made;
}

/** A text in which the words found are marked.
 * @param {RegExp[]} words
 * @param {string} text */
function marked(words, text) {
  const any = new RegExp(words.map((word) => `${word.source}[\\p{L}\\p{N}]*`).join("|"), "giu");
  /** @type {Content[]} */
  const parts = [];
  let from = 0;
  for (const { 0: hit, index } of text.matchAll(any)) {
    parts.push(text.slice(from, index), element("mark", hit));
    from = index + hit.length;
  }
  return [...parts, text.slice(from)];
}

/** @param {Found} found */
function listItem({ page, words, places }) {
  const root = document.documentElement.dataset.content_root;
  const lines = places.map(([anchor, heading, text, code]) => {
    const onlyInCode =
      !words.some((word) => count(word, text)) && words.some((word) => count(word, code));
    return element("li", [
      element("a", marked(words, heading), { href: `${root}${page.address}#${anchor}` }),
      element("p", marked(words, excerpt(words, onlyInCode ? code : text))),
    ]);
  });
  const title = element("a", page.title, { href: root + page.address });
  return element("li", [element("h2", title), element("ul", lines)]);
}

/** @param {string} question */
function show(question) {
  const box = /** @type {HTMLElement} */ (document.getElementById("search-results"));
  const words = patterns(question);
  const found = find(/** @type {any} */ (window).vaeTeachPages, question);
  const pages = found.length === 1 ? "1 page" : `${found.length} pages`;
  const summary = words.length > 0 ? `Found ${pages} for “${question.trim()}”.` : "";
  box.replaceChildren(
    element("p", summary, { role: "status" }),
    element("ol", found.map(listItem)),
  );
}

function start() {
  /** @type {HTMLInputElement | null} */
  const input = document.querySelector(".bd-search-container input[type=search]");
  if (!input) throw new Error("the search page has no field for the words");
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  input.addEventListener("input", () => show(input.value));
  input.form?.addEventListener("submit", (event) => {
    event.preventDefault(); // the results are there
    history.replaceState(null, "", `?q=${encodeURIComponent(input.value)}`);
  });
  show(input.value);
}

if (globalThis.document) start();
else Object.assign(globalThis, { vaeTeachSearch: { find, excerpt, patterns } }); // under Node, for its test
