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

/** A module that imports files beside it, put together as vae_teach/widgets/parts/bundle.py does. */
export function importBundle(path) {
  return import(dataUrl(path));
}

function dataUrl(path) {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const inlined = (_, name) => `from "${dataUrl(folder + name)}"`;
  const text = readText(path).replace(/\bfrom\s+"\.\/((?:[\w-]+\/)*[\w-]+\.js)"/g, inlined);
  return `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
}
