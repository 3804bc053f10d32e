// The dialog that asks why an item is skipped, and who is to answer it. Typing only ever writes the
// reason: nothing is skipped before Enter or a click.
export class SkipDialog {
  #dialog = byId("skip-dialog");
  #reason = byId("reason");
  #skip;

  /** `skip` hears the reason and whom the item goes to. */
  constructor(skip) {
    this.#skip = skip;
    for (const button of this.#dialog.querySelectorAll("[data-reason]")) {
      button.addEventListener("click", () => this.#end(button.dataset.reason));
    }
    byId("skip-other").addEventListener("click", () => this.#end(this.#reason.value.trim()));
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
  }

  open() {
    this.#reason.value = "";
    this.#dialog.querySelector("[name=to]").checked = true;
    this.#dialog.showModal();
    this.#reason.focus();
  }

  #end(reason) {
    this.#dialog.close();
    this.#skip(reason, this.#dialog.querySelector("[name=to]:checked").value);
  }

  #key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key, target } = event;
    if (key === "Enter" && target.matches("input")) {
      event.preventDefault();
      this.#end(this.#reason.value.trim());
    } else if (target === this.#reason && (key === "ArrowDown" || key === "ArrowUp")) {
      event.preventDefault();
      this.#turn(key === "ArrowDown" ? 1 : -1);
    } else if (target === this.#reason && this.#reason.value === "") {
      const chosen = this.#dialog.querySelectorAll("[data-reason]")[digitOf(event) - 1];
      if (chosen === undefined) return;
      event.preventDefault();
      this.#reason.value = chosen.dataset.reason;
    }
  }

  #turn(by) {
    const all = [...this.#dialog.querySelectorAll("[name=to]")];
    const at = all.findIndex((one) => one.checked);
    all[(at + by + all.length) % all.length].checked = true;
  }
}

/** 1 to 9, also where other signs are on that row (AZERTY, say); 0 for another key. */
export function digitOf({ key, code, shiftKey }) {
  if (/^[1-9]$/.test(key)) return Number(key);
  return Number((!shiftKey && /^Digit([1-9])$/.exec(code)?.[1]) || 0);
}

function byId(id) {
  return document.getElementById(id);
}
