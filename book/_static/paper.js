// @ts-check
/* Paper is white: a page that is dark on the screen is printed in the light theme. */
/** @type {string | undefined} */
let shown;
window.addEventListener("beforeprint", () => {
  shown = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
window.addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = shown;
});
