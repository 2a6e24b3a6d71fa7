/* On a phone a wide figure is shrunk until its digits cannot be read. A button shows it larger, in
 * a box that scrolls sideways. The style sheet hides the button where the page is wide. */
const SCALE = 0.75; // of the file's own width: letters are then about 11 pixels high
const NARROWEST = 430; // what is not wider than this when enlarged gains nothing on a phone

function addButton(figure, image) {
  const box = document.createElement("div");
  box.className = "vt-figure-box";
  image.replaceWith(box);
  box.append(image);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Enlarge";
  button.addEventListener("click", () => {
    const large = figure.classList.toggle("vt-large");
    button.textContent = large ? "Fit to the page" : "Enlarge";
    if (large) box.tabIndex = 0; // so that the arrow keys scroll it
    else box.removeAttribute("tabindex");
  });
  box.after(button);
}

document.addEventListener("DOMContentLoaded", async () => {
  for (const figure of document.querySelectorAll("figure.vt-figure")) {
    const image = figure.querySelector("img");
    await image.decode().catch(() => {}); // before, it has no width
    const width = SCALE * image.naturalWidth;
    if (width < NARROWEST) continue;
    figure.style.setProperty("--vt-large", `${Math.round(width)}px`);
    addButton(figure, image);
  }
});
