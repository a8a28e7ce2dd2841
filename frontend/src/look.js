// Before anything is drawn: light or dark, as chosen or as the machine is set.
const root = document.documentElement;
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const put = () => {
  const look = root.dataset.look;
  root.setAttribute("data-bs-theme", look === "dark" || (look !== "light" && dark.matches) ? "dark" : "light");
  window.dispatchEvent(new Event("bookhand:drawn"));
};
put();
dark.addEventListener("change", put);
window.addEventListener("bookhand:look", put);
