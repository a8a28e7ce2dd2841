// What a browser knows of its person and the server does not: the time zone. And the look that was chosen.
const keep = (name, value) => {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=lax${secure}`;
};

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const shown = document.documentElement.dataset.zone;
if (zone && shown && zone !== shown && !document.documentElement.dataset.zoneChosen) {
  keep("bookhand-zone", zone);
  // The first page of a browser was written in UTC: bring its times home, once.
  if (!sessionStorage.getItem("bookhand-zone")) { sessionStorage.setItem("bookhand-zone", zone); location.reload(); }
}

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-look]");
  if (!choice || choice === document.documentElement) return;
  keep("bookhand-look", choice.dataset.look);
  document.documentElement.dataset.look = choice.dataset.look;
  window.dispatchEvent(new Event("bookhand:look"));
});
