// The live connection. One stream of /pulse serves every page of this browser, for a browser opens six connections to a host and a stream keeps
// one: the page that was shown last holds the stream and tells the others what it hears; when it goes, another takes its place. A page that
// nobody sees asks for nothing, and is brought up to date when it is shown. Where a browser has no locks (plain http from another machine) each
// page has its own stream, for as long as it is seen.
// Where the connection is lost the page says so, and where it comes back every page that is seen is brought up to date.
const place = document.querySelector("[data-pulse]");
const names = (place?.dataset.pulse ?? "").split(" ").filter(Boolean);
const channel = place && navigator.locks && "BroadcastChannel" in window ? new BroadcastChannel("bookhand-pulse") : null;
const LOCK = "bookhand-pulse", LONGEST_WAIT_MS = 60_000;
const missed = new Set();
let source = null, failed = 0, leads = false, taking = false, waiting = null, other = false;

const is_seen = () => document.visibilityState !== "hidden";
const say_lost = (lost) => { const banner = document.getElementById("live-lost"); if (banner) banner.hidden = !lost; };

// Parts that ask for themselves again have hx-trigger="sse:trail …".
const refresh = (name) => {
  for (const part of document.querySelectorAll(`[hx-trigger*="sse:${name}"]`)) part.dispatchEvent(new CustomEvent(`sse:${name}`));
};
const moved = (name) => {
  document.dispatchEvent(new CustomEvent("bookhand:moved", { detail: name }));
  if (is_seen()) refresh(name); else missed.add(name);
};
const hear = (told) => {
  if ("lost" in told) say_lost(told.lost);
  for (const name of told.moved ?? []) moved(name);
};
const tell = (told) => { hear(told); channel?.postMessage(told); };

const close = () => { source?.close(); source = null; };
const open = () => {
  if (source) return;
  const mine = source = new EventSource("/pulse");
  mine.onopen = () => { tell({ lost: false, opened: true, moved: failed ? names : [] }); failed = 0; };
  mine.onerror = () => {
    tell({ lost: true });
    failed += 1;
    if (mine.readyState !== EventSource.CLOSED) return; // it tries again by itself
    setTimeout(() => { if (source === mine) { close(); open(); } }, Math.min(500 * 2 ** failed, LONGEST_WAIT_MS));
  };
  for (const name of names) mine.addEventListener(name, () => tell({ moved: [name] }));
};

// --- who holds the stream ---

const ask = (how) => {
  let held = false;
  navigator.locks
    .request(LOCK, how, () => {
      held = leads = true;
      taking = other = false;
      open();
      return new Promise(() => {});
    })
    .catch(() => {
      if (!held) return;
      leads = false; // another page took it: the stream is kept until that one hears
      if (other) close();
      queue();
    });
};
const queue = () => { waiting = new AbortController(); ask({ signal: waiting.signal }); };
const take = () => {
  if (leads || taking) return;
  taking = true;
  waiting?.abort();
  ask({ steal: true });
};

const shown = () => {
  if (channel) take();
  else if (!source) { open(); for (const name of names) missed.add(name); }
  for (const name of missed) refresh(name);
  missed.clear();
};

if (place) {
  channel?.addEventListener("message", ({ data }) => {
    if (data.opened && leads) other = true; // which may be told before this page is told that the lead was taken
    if (data.opened && !leads) close();
    hear(data);
  });
  document.addEventListener("resume", () => { for (const name of names) missed.add(name); }); // a frozen page heard nothing
  document.addEventListener("visibilitychange", () => { if (is_seen()) shown(); else if (!channel) close(); });
  if (channel) { if (is_seen()) take(); else queue(); }
  else if (is_seen()) open();
}
document.addEventListener("htmx:sendError", () => say_lost(true));
