/* On a phone a wide figure keeps letters of 9 pixels and scrolls in its own box (see the style
 * sheet). A box that scrolls takes the focus, so that the arrow keys scroll it too. */
const resized = new ResizeObserver((entries) => {
  for (const { target: box } of entries) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
});

document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll(".vt-figure-box")) resized.observe(box);
});
