// Fetches the page every few seconds and puts its new contents in place, leaving open entries open.
(() => {
  "use strict";
  const EVERY = 3000;
  const SLOWEST = 60000;
  let wait = EVERY;

  const open = () => new Set([...document.querySelectorAll("details[open]")].map((entry) => entry.id));

  function put(page) {
    const kept = open();
    const focused = document.activeElement?.closest("details")?.id;
    for (const selector of ["main", ".asof"]) {
      const fresh = page.querySelector(selector);
      if (fresh) document.querySelector(selector).replaceChildren(...fresh.childNodes);
    }
    for (const id of kept) {
      const entry = document.getElementById(id);
      if (entry) entry.open = true;
    }
    if (focused) document.getElementById(focused)?.querySelector("summary").focus({ preventScroll: true });
    document.title = page.title;
  }

  async function refresh() {
    if (document.visibilityState === "visible" && document.getSelection().isCollapsed) {
      try {
        const answer = await fetch(location.pathname, { headers: { accept: "text/html" }, cache: "no-store" });
        if (answer.redirected) { location.reload(); return; } // the session has ended
        put(new DOMParser().parseFromString(await answer.text(), "text/html"));
        document.body.classList.remove("lost");
        wait = EVERY;
      } catch {
        document.body.classList.add("lost");
        wait = Math.min(wait * 2, SLOWEST);
      }
    }
    setTimeout(refresh, wait);
  }
  setTimeout(refresh, wait);
})();
