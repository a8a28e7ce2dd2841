// <input type="file" data-most-bytes="…" data-too-large="…"> says at once that a file is larger than the server reads.
document.addEventListener("change", (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || !input.dataset.mostBytes) return;
  const most = Number(input.dataset.mostBytes);
  input.setCustomValidity([...input.files].some((file) => file.size > most) ? input.dataset.tooLarge : "");
  input.reportValidity();
});
