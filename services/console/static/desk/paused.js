// Who is paused gets no items; answers that lie on the device still are to be sent.
import { Answers } from "./answers.js";

const { project, subject } = document.getElementById("main").dataset;
const nothing = () => {};
const on = { changed: nothing, waiting: nothing, ended: nothing, taken: nothing, late: nothing,
  refused: nothing };
new Answers(project, subject, on).send();
