// Notifications of this browser: what is chosen is kept here, and what grew since the last look is told by the browser itself.
const KEY = "bookhand-notices";
const chosen = () => { try { return JSON.parse(localStorage.getItem(KEY) ?? "{}"); } catch { return {}; } };
let known = null;

const form = document.querySelector("form[data-notices]");
if (form) {
  const denied = document.querySelector("[data-notices-denied]");
  const told = () => { denied.hidden = !("Notification" in window) ? false : Notification.permission !== "denied"; };
  for (const tick of form.querySelectorAll("[data-notice]")) tick.checked = Boolean(chosen()[tick.dataset.notice]);
  told();
  form.addEventListener("change", async (event) => {
    const tick = event.target.closest("[data-notice]");
    if (!tick) return;
    if (tick.checked && "Notification" in window && Notification.permission === "default") await Notification.requestPermission();
    const words = tick.closest("label").textContent.trim();
    localStorage.setItem(KEY, JSON.stringify({ ...chosen(), [tick.dataset.notice]: tick.checked ? words : undefined }));
    told();
  });
}

const look = async () => {
  const wanted = Object.entries(chosen()).filter(([, words]) => words);
  if (!wanted.length || !("Notification" in window) || Notification.permission !== "granted") return;
  const answer = await fetch("/needs.json", { headers: { accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const now = await answer.json();
  if (known && document.visibilityState === "hidden")
    for (const [name, words] of wanted)
      if (now[name] > known[name]) new Notification("bookhand", { body: `${now[name]}: ${words}`, tag: `bookhand-${name}` });
  known = now;
};
document.addEventListener("bookhand:moved", (event) => { if (["trail", "bank", "runs"].includes(event.detail)) look(); });
look();
