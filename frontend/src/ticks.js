// Rows with <input type=checkbox data-tick data-minor data-currency> add up in [data-ticked-of="form-id"], currency by currency.
// A row that moves several currencies has data-sums='[["USD", 1500, 2], …]' instead. What is ticked on other pages of the same list
// stands on the form: data-elsewhere='{"count": 3, "sums": [["USD", 4500, 2]]}'. A tick belongs to its form also by form="form-id".
const ticksOf = (form) => [...form.elements].filter((each) => each.matches("input[data-tick]"));
const sumsOf = ({ sums, currency, minor, places }) => (sums ? JSON.parse(sums) : currency ? [[currency, minor, places]] : []);

const added = (form) => {
  const elsewhere = form.dataset.elsewhere ? JSON.parse(form.dataset.elsewhere) : { count: 0, sums: [] };
  const ticked = ticksOf(form).filter((tick) => tick.checked);
  const sums = new Map();
  for (const [currency, minor, places] of [...elsewhere.sums, ...ticked.flatMap((tick) => sumsOf(tick.dataset))]) {
    const [was] = sums.get(currency) ?? [0n];
    sums.set(currency, [was + BigInt(minor), Number(places)]);
  }
  return { count: elsewhere.count + ticked.length, here: ticked.length, sums };
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
  const { count, here, sums } = added(form);
  for (const place of document.querySelectorAll(`[data-ticked-of="${CSS.escape(form.id)}"]`)) {
    const money = [...sums].map(([currency, [minor, places]]) => `${written(minor, places)} ${currency}`).join(" · ");
    if (!count && place.dataset.none) { place.textContent = place.dataset.none; continue; }
    place.textContent = place.dataset.words.replace("{count}", count).replace("{money}", money).replace(/[\s·]+$/, "");
  }
  for (const button of document.querySelectorAll(`button[form="${CSS.escape(form.id)}"][data-needs-tick]`)) button.disabled = !count;
  const all = form.querySelector("input[data-tick-all]");
  if (all) {
    const ticks = ticksOf(form).length;
    all.checked = here === ticks && ticks > 0;
    all.indeterminate = here > 0 && here < ticks;
  }
};

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form?.matches("form[data-ticks]")) return;
  if (event.target.matches("input[data-tick-all]"))
    for (const tick of ticksOf(form)) tick.checked = event.target.checked;
  tell(form);
});
const all = () => { for (const form of document.querySelectorAll("form[data-ticks]")) tell(form); };
document.addEventListener("DOMContentLoaded", all);
document.addEventListener("htmx:load", all);
