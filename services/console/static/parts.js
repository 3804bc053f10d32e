// Parts of a page that are fetched when they are opened: by a button, or as a <details>.
import { onNew, replace } from "./live.js";

async function load(part) {
  if (part.dataset.state) return;
  part.dataset.state = "loading";
  part.textContent = "Loading…";
  try {
    const headers = { "Surehand-Fragment": part.dataset.part };
    const response = await fetch(part.dataset.load, { headers, signal: AbortSignal.timeout(20_000) });
    document.getElementById("session-ended").hidden = response.status !== 401;
    if (!response.ok) throw new Error(`status ${response.status}`);
    replace(part, await response.text());
    part.dataset.state = "loaded";
  } catch {
    delete part.dataset.state;
    part.textContent = "This part could not be loaded. Close it, and open it again.";
  }
}

onNew((root) => {
  for (const button of root.querySelectorAll("button[data-opens]")) {
    const place = document.getElementById(button.dataset.opens);
    button.hidden = false;
    button.addEventListener("click", () => {
      place.hidden = !place.hidden;
      button.setAttribute("aria-expanded", String(!place.hidden));
      if (!place.hidden) load(place.querySelector("[data-load]"));
    });
  }
  for (const details of root.querySelectorAll("details:has(> [data-load])")) {
    const opened = () => details.open && load(details.querySelector("[data-load]"));
    details.addEventListener("toggle", opened);
    opened();
  }
});
