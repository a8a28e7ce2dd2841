// What every page runs: htmx (requests and live updates), and the few gestures that HTML has no words for.
import htmx from "htmx.org";
import "./idiomorph.js";
import "./dialogs.js";
import "./keys.js";
import "./live.js";
import "./notices.js";
import "./popup.js";
import "./scrolls.js";
import "./ticks.js";
import "./uploads.js";
import "./viewer.js";

window.htmx = htmx;
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;
htmx.config.scrollBehavior = "auto";
// What a page says about a refused form (400, 403, 409 …) is shown where its answer would be.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "[45]..", swap: true, error: true },
];

const token = () => document.querySelector('meta[name="form-token"]')?.content ?? "";
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = token();
});
