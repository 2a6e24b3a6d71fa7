// @ts-check
/* A host without a kernel: runs an anywidget module in any HTML page, from file:// too.
 *
 * base.py writes one element with data-vae-teach="waiting" per widget; the plain-text script in it
 * holds base64 of the zlib-compressed bytes
 *   header length, 4 bytes little-endian | header, JSON | binary traits, one after another
 * header: { esm, css, state: { trait: value }, buffers: [[trait, byte length], ...] }
 * The attribute then reads "starting", and at last "ready" or "failed". */

/** The part of anywidget's model that a module may use; nobody else holds the state.
 * @param {Record<string, unknown>} state
 * @returns {Model} */
export function createModel(state) {
  const values = { ...state };
  /** @type {Map<string, Set<(...args: unknown[]) => void>>} */
  const handlers = new Map();
  /**
   * @param {string} event
   * @param {...unknown} args
   */
  const fire = (event, ...args) =>
    [...(handlers.get(event) ?? [])].forEach((f) => {
      f(...args);
    });
  return {
    get: (name) => values[name],
    set(name, value) {
      if (Object.is(values[name], value)) return;
      values[name] = value;
      fire(`change:${name}`, this, value);
      fire("change", this);
    },
    on(event, callback) {
      handlers.set(event, (handlers.get(event) ?? new Set()).add(callback));
    },
    off: (event, callback) => void handlers.get(event)?.delete(callback),
    save_changes() {}, // no kernel to tell
  };
}

/** Undo base.py's `_payload`; binary traits come out as DataViews, as anywidget hands them over.
 * @param {string} base64 */
export async function unpack(base64) {
  const packed = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const headerEnd = 4 + new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, headerEnd - 4)));
  let offset = headerEnd;
  for (const [name, length] of header.buffers) {
    header.state[name] = new DataView(bytes, offset, length);
    offset += length;
  }
  return header;
}

/** Import a module from its text. Ten widgets of one kind on a page share one import.
 * @param {string} source */
function importOnce(source) {
  const page = /** @type {{ vaeTeachModules?: Map<string, Promise<any>> }} */ (globalThis);
  page.vaeTeachModules ??= new Map();
  const modules = page.vaeTeachModules;
  if (!modules.has(source)) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    modules.set(
      source,
      import(url).finally(() => URL.revokeObjectURL(url)),
    );
  }
  return modules.get(source);
}

/** @param {string} css */
function addStyleOnce(css) {
  const styles = [...document.querySelectorAll("style[data-vae-teach-style]")];
  if (styles.some((style) => style.textContent === css)) return;
  const style = document.head.appendChild(document.createElement("style"));
  style.dataset.vaeTeachStyle = "";
  style.textContent = css;
}

/** @param {HTMLElement} slot */
async function mount(slot) {
  slot.dataset.vaeTeach = "starting";
  try {
    const { esm, css, state } = await unpack(slot.querySelector("script")?.textContent ?? "");
    addStyleOnce(css);
    const el = document.createElement("div");
    await (await importOnce(esm)).default.render({ model: createModel(state), el });
    slot.replaceChildren(el);
    slot.dataset.vaeTeach = "ready";
  } catch (error) {
    slot.dataset.vaeTeach = "failed";
    slot.append(
      `This interactive figure could not start: ${error instanceof Error ? error.message : error}`,
    );
    throw error; // the console shows it too
  }
}

/** Start every widget of the page that has not been started yet; safe to call again. */
export function mountAll() {
  /** @type {NodeListOf<HTMLElement>} */
  const slots = document.querySelectorAll('[data-vae-teach="waiting"]');
  return Promise.all([...slots].map(mount));
}
