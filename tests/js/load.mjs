// The text that ships, loaded as its hosts load it: from the text, not from a path.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = new URL("../../", import.meta.url);
const BUNDLES = process.env.VAE_TEACH_BUNDLES; // where test_js.py puts what bundle.py makes

export function readText(path) {
  return readFileSync(new URL(path, ROOT), "utf8");
}

export const importText = (path) => importFrom(readText(path));

/** A widget's module, or one of its parts, with all that it imports, as bundle.py packs it. */
export function importBundle(path) {
  if (!BUNDLES) throw new Error("no bundles: run python -m pytest tests/widgets/test_js.py");
  return importFrom(readFileSync(join(BUNDLES, path), "utf8"));
}

function importFrom(text) {
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
}
