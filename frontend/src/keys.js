// Keyboard: [data-list] with [data-item] children is walked by j and k; [data-key="a"] is pressed by a: inside an item only while the item
// has the focus, outside of every item wherever the focus is. g, then a letter of [data-go], leads to a page; ? opens the list of keys.
// Never while a person types, and not at all where they were turned off (<input data-keys-on>, kept by this browser).
// A button is pressed when its key is let go, and only if the key went down on this page, for the same button: a key that is held, or was
// held from the page before, presses nothing twice.
const KEPT = "bookhand-keys";
let going = 0;
let pressed = null;

const are_on = () => { try { return localStorage.getItem(KEPT) !== "off"; } catch { return true; } };
const tell = () => {
  const on = are_on();
  document.documentElement.dataset.keys = on ? "on" : "off";
  for (const tick of document.querySelectorAll("[data-keys-on]")) tick.checked = on;
};
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-keys-on]")) return;
  try { localStorage.setItem(KEPT, event.target.checked ? "on" : "off"); } catch { /* a browser that keeps nothing keeps its keys */ }
  tell();
});
window.addEventListener("storage", tell);
tell();

// A field of a dialog that was just closed may still have the focus: nobody types there.
const typing = (target) =>
  target.getClientRects().length > 0 && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

const focused = () => document.activeElement?.closest("[data-item]") ?? null;

// What a key presses now: in the item that has the focus, else on the page itself, never in an item that has it not.
const meant = (key) => {
  const wanted = `[data-key="${CSS.escape(key)}"]`;
  const found = focused()?.querySelector(wanted)
    ?? [...document.querySelectorAll(wanted)].find((each) => !each.closest("[data-item]"));
  return found && !found.disabled ? found : null;
};

document.addEventListener("keydown", (event) => {
  if (!event.repeat) pressed = null;
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !are_on()) return;
  const open = document.querySelector("dialog[open]");
  if (event.key === "?" && !open) {
    document.getElementById("keys")?.showModal();
    return event.preventDefault();
  }
  if (open) return;
  if (event.key === "j" || event.key === "k") {
    const items = [...document.querySelectorAll("[data-list] [data-item]")];
    const at = items.indexOf(focused());
    const next = items[Math.min(Math.max(at + (event.key === "j" ? 1 : at < 0 ? 1 : -1), 0), items.length - 1)];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); event.preventDefault(); }
    return;
  }
  if (event.repeat) return;
  if (Date.now() - going < 1500) {
    going = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) { link.click(); return event.preventDefault(); }
  }
  if (event.key === "g") { going = Date.now(); return; }
  if (!/^[a-zA-Z/]$/.test(event.key)) return;
  const button = meant(event.key);
  if (!button) return;
  pressed = { key: event.key, button };
  event.preventDefault();
});

document.addEventListener("keyup", (event) => {
  const was = pressed;
  if (!was || event.key !== was.key) return;
  pressed = null;
  if (document.querySelector("dialog[open]") || meant(was.key) !== was.button) return;
  if (was.button.matches("input, select, textarea")) was.button.focus(); else was.button.click();
});
window.addEventListener("blur", () => { pressed = null; });
