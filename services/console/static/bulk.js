// Selecting tasks of a table: all of the page at once, and how many are selected.
const form = document.getElementById("bulk");

if (form) {
  const boxes = [...document.querySelectorAll('input[name="task"][form="bulk"]')];
  const all = document.getElementById("select-all");
  const [said, button] = [document.getElementById("selected"), form.querySelector("button")];
  const show = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    said.textContent = chosen === 1 ? "1 task is selected." : `${chosen} tasks are selected.`;
    button.disabled = chosen === 0;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  };
  all.hidden = false;
  all.addEventListener("change", () => (boxes.forEach((box) => (box.checked = all.checked)), show()));
  boxes.forEach((box) => box.addEventListener("change", show));
  show();
}
