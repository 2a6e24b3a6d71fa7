// @ts-check
/* Two menus: which latent dimensions lie on the pad. */

import { make } from "./elements.js";

/** Two menus for the dimensions on the pad, for a code of more than two.
 * @param {number} latentDim */
export function makeMenus(latentDim) {
  const menus = ["Across", "Up"].map((title) => {
    const options = Array.from({ length: latentDim }, (_, d) =>
      make("option", { value: d, textContent: `z[${d}]` }),
    );
    const select = make("select", { ariaLabel: title }, ...options);
    return { select, label: make("label", {}, `${title} `, select) };
  });
  const root = make("div", { className: "menus", hidden: latentDim < 3 });
  root.append(...menus.map((menu) => menu.label));
  const selects = menus.map((menu) => menu.select);
  return {
    root,
    selects,
    /** @param {Pair} axes */
    show: (axes) =>
      selects.forEach((s, i) => {
        s.value = String(axes[i]);
      }),
  };
}

/** The menus write the trait axes.
 * @param {{ selects: HTMLSelectElement[] }} menus
 * @param {Life} life
 * @param {Model} model */
export function listenToMenus({ selects }, { listen, write }, model) {
  selects.forEach((select, i) => {
    listen(select, "change", () => {
      const axes = [...model.get("axes")];
      const old = axes[i];
      axes[i] = Number(select.value);
      if (axes[0] === axes[1]) axes[1 - i] = old; // the same one twice: let them trade places
      write({ axes });
    });
  });
}
