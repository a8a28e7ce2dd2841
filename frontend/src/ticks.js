// Rows with <input type=checkbox data-tick data-minor data-currency> add up in [data-ticked-of="form-id"], currency by currency.
const added = (form) => {
  const sums = new Map();
  let count = 0;
  for (const tick of form.querySelectorAll("input[data-tick]:checked")) {
    count += 1;
    const { currency, minor, places } = tick.dataset;
    if (!currency) continue;
    const [was] = sums.get(currency) ?? [0n];
    sums.set(currency, [was + BigInt(minor), Number(places)]);
  }
  return { count, sums };
};

const written = (minor, places) => {
  const locale = document.documentElement.dataset.locale || undefined;
  const digits = (minor < 0n ? -minor : minor).toString().padStart(places + 1, "0");
  const whole = places ? digits.slice(0, -places) : digits;
  const mark = (1.1).toLocaleString(locale).charAt(1);
  const text = BigInt(whole).toLocaleString(locale) + (places ? mark + digits.slice(-places) : "");
  return minor < 0n ? `(${text})` : text;
};

const tell = (form) => {
  const { count, sums } = added(form);
  for (const place of document.querySelectorAll(`[data-ticked-of="${CSS.escape(form.id)}"]`)) {
    const money = [...sums].map(([currency, [minor, places]]) => `${written(minor, places)} ${currency}`).join(" · ");
    if (!count && place.dataset.none) { place.textContent = place.dataset.none; continue; }
    place.textContent = place.dataset.words.replace("{count}", count).replace("{money}", money || "");
  }
  for (const button of document.querySelectorAll(`button[form="${CSS.escape(form.id)}"][data-needs-tick]`)) button.disabled = !count;
  const all = form.querySelector("input[data-tick-all]");
  if (all) {
    const ticks = form.querySelectorAll("input[data-tick]").length;
    all.checked = count === ticks && ticks > 0;
    all.indeterminate = count > 0 && count < ticks;
  }
};

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-ticks]");
  if (!form) return;
  if (event.target.matches("input[data-tick-all]"))
    for (const tick of form.querySelectorAll("input[data-tick]")) tick.checked = event.target.checked;
  tell(form);
});
const all = () => { for (const form of document.querySelectorAll("form[data-ticks]")) tell(form); };
document.addEventListener("DOMContentLoaded", all);
document.addEventListener("htmx:load", all);
