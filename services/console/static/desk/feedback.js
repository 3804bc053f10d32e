// Feedback on the item that is shown, a label or the instructions. What is written stays in the
// dialog until the server has taken it, also while there is no connection.
import { call, detailOf, passing } from "./calls.js";

export class Feedback {
  #project;
  #on;
  #dialog = byId("feedback-dialog");
  #about = byId("feedback-about");
  #text = byId("feedback-text");
  #fault = byId("feedback-fault");
  #task = null;
  #sending = false;

  /** `on` hears: current(), which returns the task that is shown or null; sent(); ended(). */
  constructor(project, on) {
    this.#project = project;
    this.#on = on;
    byId("feedback").addEventListener("click", () => this.#open());
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    byId("feedback-form").addEventListener("submit", (event) => {
      if (event.submitter?.value === "cancel") return;
      event.preventDefault();
      this.#send();
    });
  }

  #key(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.#send();
  }

  #open() {
    // What was begun about one item does not go on about another.
    if (this.#text.value.trim() === "" || this.#about.value !== "item") this.#task = this.#on.current();
    const item = this.#about.querySelector("[value=item]");
    item.disabled = this.#task === null;
    item.textContent = this.#task === null ? "An item: none is here" : this.#task.item;
    if (this.#text.value.trim() === "") this.#about.value = this.#task === null ? "instructions" : "item";
    this.#fault.textContent = "";
    this.#dialog.showModal();
    this.#text.focus();
  }

  async #send() {
    const text = this.#text.value.trim();
    if (text === "" || this.#sending) return;
    this.#sending = true;
    this.#fault.textContent = "";
    const reply = await call("POST", `/review/${this.#project}/remarks`, { body: { ...this.#subject(), text } });
    this.#sending = false;
    if (reply?.status === 200) {
      this.#text.value = "";
      this.#dialog.close();
      this.#on.sent();
    } else if (reply?.status === 401) {
      this.#fault.textContent = "Your session has ended: copy what you wrote, and sign in again.";
      this.#on.ended();
    } else if (passing(reply)) {
      this.#fault.textContent = "It was not sent: there is no connection. Try again in a moment.";
    } else {
      this.#fault.textContent = `It was not taken. ${detailOf(reply)}`;
    }
  }

  #subject() {
    const [about, ...label] = this.#about.value.split(":");
    if (about === "item") return { about, task_id: this.#task.taskId };
    return about === "label" ? { about, label: label.join(":") } : { about };
  }
}

function byId(id) {
  return document.getElementById(id);
}
