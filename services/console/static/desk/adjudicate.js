// Keys of the adjudicator: 1 to 9 give a label that reviewers gave, or one that the search shows;
// `n` goes to the next task.
import { words } from "./labels.js";
import { digitOf } from "./skipping.js";

const search = document.getElementById("filter");
const others = [...document.querySelectorAll(".others .label")];

function shown() {
  return [...document.querySelectorAll("button.label")].filter((button) => !button.hidden);
}

function arrange() {
  const wanted = words(search?.value ?? "");
  for (const button of others) {
    const text = words(button.dataset.words).join(" ");
    button.hidden = !wanted.every((word) => text.includes(word));
  }
  for (const [at, button] of shown().entries()) button.querySelector("kbd").textContent = at < 9 ? at + 1 : "";
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (event.target === search) {
    if (event.key === "Escape") {
      search.value = "";
      arrange();
      search.blur();
    } else if (event.key === "Enter" && others.some((button) => !button.hidden)) {
      event.preventDefault();
      others.find((button) => !button.hidden).click();
    }
  } else if (digitOf(event) > 0) shown()[digitOf(event) - 1]?.click();
  else if (event.key === "n") document.getElementById("next")?.click();
  else if (event.key === "/" && search !== null) {
    event.preventDefault();
    search.focus();
  }
});
search?.addEventListener("input", arrange);
arrange();
