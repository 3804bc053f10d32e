// The settings' form: a row for each label, and what reviewers will see beside it.
const PAUSE_MS = 350;
const MOST_DIGITS = 9;
const form = document.querySelector("#settings");
const pane = document.querySelector("#preview");
const rows = document.querySelector("#displays");
let timer = 0;
let asked = 0;
let rowsMade = 0;

/** The desk gives labels their keys and colours by script: the policy allows no style in markup. */
function dress() {
  const buttons = [...pane.querySelectorAll(".label")];
  const taken = new Set(buttons.map((button) => button.dataset.key));
  const digits = Array.from({ length: MOST_DIGITS }, (_, at) => String(at + 1)).filter((digit) => !taken.has(digit));
  for (const button of buttons) {
    if (button.dataset.color) button.style.setProperty("--label", button.dataset.color);
    button.querySelector("kbd").textContent = button.dataset.key || (digits.shift() ?? "");
  }
}

/** A row for each line of the labels, in their order; what was written of a label stays. */
function arrange() {
  const labels = [...new Set(form.elements.labels.value.split("\n").map((line) => line.trim()).filter(Boolean))];
  const there = new Map([...rows.children].map((row) => [row.querySelector("[type=hidden]").value, row]));
  rows.replaceChildren(...labels.map((label) => there.get(label) ?? made(label)));
}

function made(label) {
  // One suffix for the whole row: a label and its field must keep the same id.
  rowsMade += 1;
  const row = document.querySelector("#display-row").content.firstElementChild.cloneNode(true);
  row.setAttribute("aria-label", label);
  row.querySelector("[type=hidden]").value = label;
  row.querySelector("bdi").textContent = row.querySelector("[name='display.name']").placeholder = label;
  row.querySelector("[type=color]").setAttribute("aria-label", `Pick the colour of ${label}`);
  for (const part of row.querySelectorAll("[id], [for]")) {
    for (const name of ["id", "for"]) if (part.hasAttribute(name)) part.setAttribute(name, `${part.getAttribute(name)}-${rowsMade}`);
  }
  return row;
}

async function show() {
  const mine = (asked += 1);
  const body = new URLSearchParams(new FormData(form));
  const response = await fetch(form.dataset.preview, { method: "POST", body }).catch(() => null);
  // An older answer does not replace a newer one; a refused one leaves what is there.
  if (mine !== asked || !response?.ok) return;
  const isOpen = pane.querySelector("details")?.open ?? true;
  pane.innerHTML = await response.text();
  for (const one of pane.querySelectorAll("details")) one.open = isOpen;
  dress();
}

if (form && pane) {
  dress();
  form.addEventListener("input", (event) => {
    if (event.target.type === "color") event.target.previousElementSibling.value = event.target.value;
    if (/^#[0-9a-f]{6}$/i.test(event.target.value) && event.target.name === "display.color") event.target.nextElementSibling.value = event.target.value;
    if (event.target.name === "labels") arrange();
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE_MS);
  });
}
