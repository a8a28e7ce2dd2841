// Makes and uses passkeys. The server asks and checks; this only carries what the browser and its authenticator say.
(() => {
  "use strict";
  const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON && window.PublicKeyCredential.parseCreationOptionsFromJSON;
  if (!able) return;

  async function post(place, path, body) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": place.dataset.csrf },
      body: JSON.stringify(body ?? {}),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.message);
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

  function told(error) {
    if (error.name === "NotAllowedError") return "No passkey was used: it was cancelled, or there is none for this site.";
    if (error.name === "InvalidStateError") return "This device has a passkey for bookhand already.";
    if (error.name === "SecurityError") return "Passkeys need https and a name; on this machine, open the page as localhost.";
    return error.message;
  }

  for (const place of document.querySelectorAll("[data-passkey]")) {
    const [button, problem] = [place.querySelector("button"), place.querySelector(".problem")];
    place.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      problem.hidden = true;
      try {
        await go(place);
      } catch (error) {
        problem.textContent = told(error);
        problem.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
