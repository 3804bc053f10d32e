// A picture at its full size: pressing it, or `z`, opens it; pressing it again switches between the
// width of the window and its own.
export class Zoom {
  #dialog = document.getElementById("zoom-dialog");
  #picture = document.getElementById("zoomed");
  #stage = document.getElementById("stage");

  constructor() {
    this.#picture.addEventListener("click", () => this.#picture.classList.toggle("whole"));
    this.#stage.addEventListener("click", (event) => {
      if (event.target.matches(".picture")) this.open(event.target);
    });
  }

  /** Open a picture, the first where none is named. */
  open(picture = this.#stage.querySelector(".picture")) {
    if (picture === null) return;
    this.#picture.src = picture.currentSrc || picture.src;
    this.#picture.alt = picture.alt;
    this.#picture.classList.remove("whole");
    this.#dialog.showModal();
  }
}
