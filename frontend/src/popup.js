// <a data-popup href> opens a vendor's consent in a small window. When that window comes back to us it says so on a channel and closes
// itself; the page that opened it then asks for what [hx-trigger~="connected from:body"] wants to know.
const channel = "BroadcastChannel" in window ? new BroadcastChannel("bookhand-connect") : null;

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-closes-window]")) return window.close();
  const link = event.target.closest("a[data-popup]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const width = 620, height = 760;
  const left = Math.max(0, window.screenX + (window.outerWidth - width) / 2);
  const top = Math.max(0, window.screenY + (window.outerHeight - height) / 2);
  const opened = window.open(link.href, "bookhand-connect", `popup,width=${width},height=${height},left=${left},top=${top}`);
  if (opened) { event.preventDefault(); opened.focus(); }
});

channel?.addEventListener("message", () => window.htmx.trigger(document.body, "connected"));

const done = document.querySelector("[data-popup-done]");
if (done) {
  channel?.postMessage(done.dataset.popupDone);
  // A vendor's page may have cut the tie to its opener: a window that a script did not open simply stays.
  if (done.dataset.popupDone === "good") setTimeout(() => window.close(), 600);
}
