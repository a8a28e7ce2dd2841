// Keyboard: <ul data-list> with [data-item] children is walked by j and k; an item's (or the page's) [data-key="a"] is pressed by a.
// g, then a letter of [data-go], leads to a page; ? opens the list of keys. Never while a person types.
let going = 0;

// A field of a dialog that was just closed may still have the focus: nobody types there.
const typing = (target) =>
  target.getClientRects().length > 0 && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const open = document.querySelector("dialog[open]");
  if (event.key === "?" && !open) {
    document.getElementById("keys")?.showModal();
    return event.preventDefault();
  }
  if (open) return;
  if (Date.now() - going < 1500) {
    going = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) { link.click(); return event.preventDefault(); }
  }
  if (event.key === "g") { going = Date.now(); return; }
  const items = [...document.querySelectorAll("[data-list] [data-item]")];
  const at = items.indexOf(document.activeElement?.closest("[data-item]"));
  if (event.key === "j" || event.key === "k") {
    const next = items[Math.min(Math.max(at + (event.key === "j" ? 1 : at < 0 ? 1 : -1), 0), items.length - 1)];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); event.preventDefault(); }
    return;
  }
  if (!/^[a-zA-Z/]$/.test(event.key)) return;
  const within = at >= 0 ? items[at] : document;
  const button = within.querySelector(`[data-key="${CSS.escape(event.key)}"]`) ??
    (items.length === 1 ? items[0].querySelector(`[data-key="${CSS.escape(event.key)}"]`) : null);
  if (!button || button.disabled) return;
  event.preventDefault();
  if (button.matches("input, select, textarea")) button.focus(); else button.click();
});
