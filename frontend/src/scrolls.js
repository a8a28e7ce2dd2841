// What can be scrolled sideways and has nothing in it to focus can be focused itself: the arrow keys then scroll it.
const FOCUSED = "a[href], button, input, select, textarea, summary";
// The tab that is open is in sight, however many there are.
const showOpenTab = () => {
  for (const open of document.querySelectorAll(".tabs [aria-current]")) {
    const row = open.closest(".tabs"), at = open.getBoundingClientRect(), of = row.getBoundingClientRect();
    if (at.right > of.right || at.left < of.left) row.scrollLeft += at.left - of.left - (of.width - at.width) / 2;
  }
};
const tend = () => {
  for (const box of document.querySelectorAll(".card-flush")) {
    const inside = [...box.querySelectorAll(FOCUSED)].some((each) => each.getClientRects().length > 0);
    if (box.scrollWidth > box.clientWidth && !inside) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
document.addEventListener("DOMContentLoaded", showOpenTab);
document.addEventListener("DOMContentLoaded", tend);
document.addEventListener("htmx:load", tend);
document.addEventListener("htmx:afterSettle", tend);
window.addEventListener("resize", tend);
