// The slider of the target: what it would mean is asked for while it moves.
import { refresh } from "./live.js";

const PAUSE_MS = 150;
const form = document.querySelector("#what-if");
const part = document.querySelector("[data-live=what-if]");
let waiting = 0;

form?.addEventListener("input", () => {
  const target = form.elements.target.value;
  form.querySelector("output").textContent = `${(100 * target).toFixed(1)} %`;
  clearTimeout(waiting);
  waiting = setTimeout(() => refresh(part, `?target=${target}`).catch(() => {}), PAUSE_MS);
});
