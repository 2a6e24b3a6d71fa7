// @ts-check
/* What a view adds to the page and to its model while it is shown, and how all of it ends. */

import { forgiveSwipes } from "./touch.js";

const SPEAK_AFTER = 400; // ms of rest before the sentence changes: a drag must not flood it

/** Ways to listen, to read, to write and to speak; `end` undoes them all and empties `el`.
 * @param {Model} model
 * @param {HTMLElement} el */
export function makeLifetime(model, el) {
  const stop = new AbortController();
  const { signal } = stop;
  /** @param {() => void} ending */
  const onEnd = (ending) => signal.addEventListener("abort", ending);
  /** @type {Listen} */
  const listen = (target, type, handler) =>
    target.addEventListener(type, /** @type {EventListener} */ (handler), { signal });

  /** Paint when any of these traits has changed; once for several that change together.
   * @param {string[]} names
   * @param {() => void} paint */
  function watch(names, paint) {
    let waiting = false;
    const paintNow = () => {
      waiting = false;
      if (!signal.aborted) paint();
    };
    const paintSoon = () => {
      if (!waiting) queueMicrotask(paintNow);
      waiting = true;
    };
    for (const name of names) {
      model.on(`change:${name}`, paintSoon);
      onEnd(() => model.off(`change:${name}`, paintSoon));
    }
  }

  /** These traits as one object.
   * @param {string[]} names
   * @returns {any} */
  const read = (names) => Object.fromEntries(names.map((name) => [name, model.get(name)]));

  /** Set traits, which repaints every view, and tell the kernel if there is one.
   * @param {Record<string, unknown>} values */
  function write(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }

  /** Paint when the element gets another size; also when it is first laid out.
   * @param {Element} element
   * @param {() => void} paint */
  function watchSize(element, paint) {
    const observer = new ResizeObserver(paint);
    observer.observe(element);
    onEnd(() => observer.disconnect());
  }

  /** On paper the widget is light, whatever the screen is; `watchTheme` paints what CSS cannot. */
  function watchPaper() {
    /** @param {boolean} printing */
    const onPaper = (printing) => () =>
      el.firstElementChild?.classList.toggle("on-paper", printing);
    listen(window, "beforeprint", onPaper(true));
    listen(window, "afterprint", onPaper(false));
  }

  /** Paint when the page or JupyterLab turns dark or light, and for paper.
   * @param {() => void} paint */
  function watchTheme(paint) {
    const observer = new MutationObserver(paint);
    const attributeFilter = ["data-theme", "data-jp-theme-light"];
    for (const node of [document.documentElement, document.body]) {
      observer.observe(node, { attributeFilter });
    }
    onEnd(() => observer.disconnect());
    listen(window.matchMedia("(prefers-color-scheme: dark)"), "change", paint);
    for (const type of ["beforeprint", "afterprint"]) listen(window, type, paint);
  }

  /** Say a sentence in the element: at once the first time, later after a rest.
   * @param {Element} element */
  function makeSpeaker(element) {
    let timer = 0;
    const silence = () => clearTimeout(timer);
    onEnd(silence);
    /** @type {Say} */
    const say = (words) => {
      const speak = () => {
        const text = words();
        if (element.textContent !== text) element.textContent = text; // else it is read out again
      };
      silence();
      if (element.textContent) timer = setTimeout(speak, SPEAK_AFTER);
      else speak();
    };
    return { say, silence };
  }

  function end() {
    stop.abort();
    el.replaceChildren();
  }
  forgiveSwipes(el, listen);
  watchPaper(); // before any `watchTheme`, which paints in its colours
  return { listen, watch, read, write, watchSize, watchTheme, makeSpeaker, onEnd, end };
}
