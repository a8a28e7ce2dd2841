// Makes and uses passkeys. The server asks and checks; this only carries what the browser and its authenticator say.
// <div data-passkey="make|use" data-path data-csrf data-words> has a button, a place for what went wrong, and perhaps one for browsers that cannot.
const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON && window.PublicKeyCredential.parseCreationOptionsFromJSON;
const NAMED = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "there", SecurityError: "insecure" };

class Told extends Error {}

async function post(place, path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": place.dataset.csrf },
    body: JSON.stringify(body ?? {}),
  }).catch(() => null);
  const said = await answer?.json().catch(() => null);
  if (!said) throw new Told(JSON.parse(place.dataset.words).away);
  if (!answer.ok) throw new Told(said.message);
  return said;
}

async function go(place) {
  const asked = await post(place, `${place.dataset.path}/options`);
  const found = place.dataset.passkey === "make"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
  const { to } = await post(place, place.dataset.path, found.toJSON());
  location.assign(to);
}

function told(place, error) {
  return error instanceof Told ? error.message : JSON.parse(place.dataset.words)[NAMED[error.name] ?? "failed"];
}

for (const place of document.querySelectorAll("[data-passkey]")) {
  const [button, problem] = [place.querySelector("button"), place.querySelector("[role=alert]")];
  const unable = place.querySelector("[data-passkey-unable]");
  if (!able) {
    if (unable) unable.hidden = false;
    continue;
  }
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      await go(place);
    } catch (error) {
      problem.lastElementChild.textContent = told(place, error);
      problem.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
}
