import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInThisContext } from "node:vm";
import { readText } from "./load.mjs";

runInThisContext(readText("book/_static/search.js")); // a classic script: a page on file:// has no modules
const { find, excerpt, patterns } = globalThis.vaeTeachSearch;

function page(title, chapter, ...passages) {
  return { address: `${title}.html`, title, chapter, passages };
}

const glossary = page(
  "Glossary",
  false,
  ["term-bound", "evidence lower bound, ELBO", "ELBO ELBO ELBO", ""],
  ["term-hole", "hole filling", "Painting what is missing.", ""],
);
const bound = page(
  "4. The evidence lower bound",
  true,
  ["top", "4. The evidence lower bound", "How to train.", ""],
  ["ex-13", "Exercise 13.2 Far", "Not the second.", ""],
);
const divergence = page(
  "3. The KL divergence",
  true,
  ["top", "3. The KL divergence", "A number. The ELBO is next.", "surprise(p)"],
  ["ex-2", "Exercise 3.2 Bugs", "Name the bugs.", ""],
);
const appendix = page(
  "A. Zero error",
  true,
  ["top", "A. Zero error", "How near it comes.", ""],
  ["ex-a", "Exercise A.1 Better", "Move the mean.", ""],
);
const pages = [glossary, divergence, bound, appendix];
const titles = (question) => find(pages, question).map(({ page }) => page.title);

describe("what is found", () => {
  test("an exercise by its number, and not one whose number ends alike", () => {
    assert.deepEqual(titles("exercise 3.2"), ["3. The KL divergence"]);
    assert.equal(find(pages, "Exercise 3.2")[0].places[0][0], "ex-2");
  });
  test("an exercise of an appendix by its letter and number", () => {
    assert.deepEqual(titles("exercise a.1"), ["A. Zero error"]);
    assert.equal(find(pages, "A.1")[0].places[0][0], "ex-a");
  });
  test("chapters before the glossary, each page once", () => {
    assert.equal(titles("elbo").at(-1), "Glossary");
    assert.equal(new Set(titles("elbo")).size, titles("elbo").length);
  });
  test("a chapter that uses another of the glossary's names in its title comes first", () => {
    assert.equal(titles("ELBO")[0], "4. The evidence lower bound");
  });
  test("a page that only the words together name, the beginning of a word, and code", () => {
    assert.deepEqual(titles("hole paint"), ["Glossary"]);
    assert.deepEqual(titles("surprise"), ["3. The KL divergence"]);
  });
  test("nothing for a word that no page has, none at all, or signs of a regular expression", () => {
    for (const question of ["zebra", "ELBO zebra", "", "  ", "(", "[a-z]+*", "\\"]) {
      assert.deepEqual(titles(question), [], question);
    }
  });
});

test("an excerpt stands around the word, cut between words", () => {
  const text = `${"before ".repeat(60)}needle ${"after ".repeat(60)}`.trim();
  const shown = excerpt(patterns("needle"), text);
  assert.match(shown, /^… before .*needle.* after …$/);
  assert.ok(shown.length < 170);
  assert.equal(excerpt(patterns("needle"), "a needle"), "a needle");
});
