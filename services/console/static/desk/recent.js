// The last answers, newest first: each is a button that takes it back.
const SHOWN = 5;
const LONGEST = 60;

export class Recent {
  #list = document.getElementById("recent");
  #box = document.getElementById("recent-box");

  /** Show the last of `given`; `change` hears which is to be taken back. */
  show(given, { busy, change }) {
    const last = given.slice(-SHOWN).reverse();
    this.#box.hidden = last.length === 0;
    this.#list.replaceChildren(...last.map((task) => line(task, busy, () => change(task))));
  }
}

/** A few words by which a reviewer knows the item again. */
export function gist(node) {
  const text = node.querySelector(".value, summary")?.textContent.trim().replace(/\s+/g, " ") ?? "";
  const whole = text || node.getAttribute("aria-label");
  return whole.length > LONGEST ? `${whole.slice(0, LONGEST - 1)}…` : whole;
}

function line({ gist: about = "", said = "Answered" }, busy, change) {
  const row = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.disabled = busy;
  button.addEventListener("click", change);
  const answer = document.createElement("strong");
  answer.textContent = said;
  const what = document.createElement("bdi");
  what.textContent = about;
  button.append(answer, " ", what);
  button.setAttribute("aria-label", `Change: ${said}, ${about}`);
  row.append(button);
  return row;
}
