// Sends a file to be scored, as a whole: the console hands it on as it comes.
import { send, wordsOf } from "./sending.js";

const root = document.getElementById("score");
const find = (id) => document.getElementById(id);
const FORMATS = { csv: "csv", jsonl: "jsonl", ndjson: "jsonl", parquet: "parquet" };

if (root) {
  const [input, button] = [find("file"), find("send")];
  input.addEventListener("change", () => (button.disabled = input.files.length === 0));
  button.addEventListener("click", async () => {
    const [file] = input.files;
    const format = FORMATS[file.name.split(".").pop().toLowerCase()];
    if (format === undefined) {
      find("said").textContent = "The file's name must end with .csv, .jsonl or .parquet.";
      return;
    }
    [button.disabled, find("progress").hidden, find("progress").value] = [true, false, 0];
    const address = `/projects/${encodeURIComponent(root.dataset.project)}/data/jobs/file?format=${format}`;
    const answer = await send("POST", address, root.dataset.form, file, (share) => (find("progress").value = share));
    [button.disabled, find("progress").hidden] = [false, true];
    const isTaken = answer.status === 202;
    find("said").textContent = isTaken ? "The file is there; its job stands below." : wordsOf(answer);
    if (isTaken) input.value = "";
  });
}
