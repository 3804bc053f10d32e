// The labels as buttons: their keys, the search among many, and how some of them are marked.
const MOST_DIGITS = 9;

export class Labels {
  #buttons = [...document.querySelectorAll("#labels .label")];
  #search = document.getElementById("filter");
  #ready = false;
  #suggested = null;

  /** `choose` hears the label of a button that is pressed. */
  constructor(choose) {
    for (const button of this.#buttons) {
      button.addEventListener("click", () => this.#ready && choose(button.dataset.label));
      // The policy of the page allows no style attribute; a script may set a property.
      if (button.dataset.color) button.style.setProperty("--label", button.dataset.color);
    }
    this.#search?.addEventListener("input", () => this.#arrange());
    this.#arrange();
  }

  /** Whether they may be pressed. */
  set ready(value) {
    this.#ready = value;
    for (const button of this.#buttons) button.disabled = !value;
  }

  /** The field of the search, null where there are few labels. */
  get search() {
    return this.#search;
  }

  /** What people call a label: its display name, else the label itself. */
  nameOf(label) {
    return this.#buttons.find((button) => button.dataset.label === label)?.querySelector("bdi").textContent ?? label;
  }

  /** Mark the model's suggestion and the reviewer's earlier answer; each may be null. */
  mark({ suggested, confidence, earlier }) {
    this.#suggested = this.#buttons.find((button) => button.dataset.label === suggested) ?? null;
    for (const button of this.#buttons) {
      const marks = [];
      if (button === this.#suggested) marks.push(confidence ? `model: ${confidence}` : "model");
      if (button.dataset.label === earlier) marks.push("your answer before");
      button.querySelector(".mark").textContent = marks.join(", ");
      button.classList.toggle("suggested", button === this.#suggested);
    }
  }

  /** Show all labels again. */
  clear() {
    if (this.#search === null) return;
    this.#search.value = "";
    this.#arrange();
  }

  /** Press the suggested label; say whether there is one. */
  confirm() {
    this.#suggested?.click();
    return this.#suggested !== null;
  }

  /** Press the first label that is shown. */
  first() {
    this.#shown()[0]?.click();
  }

  /** Press the label of a key (1 to 9, or its own); say whether there is one. */
  press(key) {
    const found = this.#shown().find((button) => button.querySelector("kbd").textContent === key);
    found?.click();
    return found !== undefined;
  }

  #shown() {
    return this.#buttons.filter((button) => !button.hidden);
  }

  // A label has its own key, or one of the digits while they last.
  #arrange() {
    const wanted = words(this.#search?.value ?? "");
    const taken = new Set(this.#buttons.map((button) => button.dataset.key));
    const digits = Array.from({ length: MOST_DIGITS }, (_, at) => String(at + 1)).filter((digit) => !taken.has(digit));
    for (const button of this.#buttons) {
      const text = words(button.dataset.words).join(" ");
      button.hidden = !wanted.every((word) => text.includes(word));
      const key = button.dataset.key || (button.hidden ? "" : (digits.shift() ?? ""));
      button.querySelector("kbd").textContent = key;
      if (key) button.setAttribute("aria-keyshortcuts", key);
      else button.removeAttribute("aria-keyshortcuts");
    }
  }
}

/** The words of a text in small letters; underscores, hyphens and slashes part them as spaces do. */
export function words(text) {
  return text.toLowerCase().split(/[\s_\-/]+/).filter((word) => word !== "");
}
