// The live connection: where it is lost the page says so, and where it comes back the page is brought up to date.
const banner = () => document.getElementById("live-lost");
document.addEventListener("htmx:sseError", () => { const it = banner(); if (it) it.hidden = false; });
document.addEventListener("htmx:sseOpen", () => { const it = banner(); if (it) it.hidden = true; });
document.addEventListener("htmx:sendError", () => { const it = banner(); if (it) it.hidden = false; });
