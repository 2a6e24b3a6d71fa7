// @ts-check
/* The buttons that copy code are named by a tooltip only, which not every screen reader speaks. */
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("button.copybtn")) {
    button.ariaLabel = "Copy this code";
  }
});
