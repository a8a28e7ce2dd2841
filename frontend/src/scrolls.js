// What can be scrolled sideways and has nothing in it to focus can be focused itself: the arrow keys then scroll it.
const tend = () => {
  for (const box of document.querySelectorAll(".card-flush")) {
    const alone = box.scrollWidth > box.clientWidth && !box.querySelector("a[href], button, input, select, textarea, summary");
    if (alone) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
document.addEventListener("DOMContentLoaded", tend);
document.addEventListener("htmx:load", tend);
window.addEventListener("resize", tend);
