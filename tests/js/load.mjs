// A widget's module as its hosts load it: from its text, not from its path.
import { readFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);

export function readText(path) {
  return readFileSync(new URL(path, ROOT), "utf8");
}

export function importText(path) {
  const text = Buffer.from(readText(path)).toString("base64");
  return import(`data:text/javascript;base64,${text}`);
}
