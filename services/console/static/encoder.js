// Sends an encoder with its description, and shows each fault at its field.
import { send, wordsOf } from "./sending.js";

const form = document.getElementById("encoder");
const find = (id) => document.getElementById(id);
const FIELDS = ["file", "manifest"];
const UNPROCESSABLE = 422;

function show(faults) {
  for (const id of FIELDS) {
    const words = faults.filter(({ at }) => at === id).map((one) => one.words);
    find(`${id}-fault`).textContent = words.join("; ");
    if (words.length) find(id).setAttribute("aria-invalid", "true");
    else find(id).removeAttribute("aria-invalid");
  }
  const first = FIELDS.find((id) => faults.some(({ at }) => at === id));
  if (first) find(first).focus();
  find("said").textContent = first ? "The encoder was not kept: see above." : "";
}

function jsonFault(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return { at: "manifest", words: `This is not valid JSON: ${error.message}` };
  }
}

async function upload() {
  const [file, manifest] = [find("file").files[0], find("manifest").value];
  const fault = jsonFault(manifest);
  show(fault ? [fault] : []);
  if (fault) return;
  const body = new FormData();
  body.set("model", file);
  body.set("manifest", manifest);
  const { project, form: mark, seen } = form.dataset;
  const address = `/projects/${encodeURIComponent(project)}/versions/encoder/file?seen=${seen}`;
  [find("send").disabled, find("progress").hidden, find("progress").value] = [true, false, 0];
  const answer = await send("PUT", address, mark, body, (share) => {
    find("progress").value = share;
    if (share === 1) find("said").textContent = "The trainer tries the encoder.";
  });
  [find("send").disabled, find("progress").hidden] = [false, true];
  const told = answer.text.startsWith("{") ? JSON.parse(answer.text) : {};
  if (told.next) location.assign(told.next);
  else if (answer.status === UNPROCESSABLE && told.faults) show(told.faults);
  else find("said").textContent = wordsOf(answer);
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  upload();
});
