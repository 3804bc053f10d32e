// Sends a file to be scored, as a whole: the console hands it on as it comes.
const root = document.getElementById("score");
const find = (id) => document.getElementById(id);
const FORMATS = { csv: "csv", jsonl: "jsonl", ndjson: "jsonl", parquet: "parquet" };

function send(file, format) {
  const address = `/projects/${encodeURIComponent(root.dataset.project)}/data/jobs/file?format=${format}`;
  return new Promise((done) => {
    // fetch says nothing of how far an upload is.
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("Surehand-Form", root.dataset.form);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => (find("progress").value = event.loaded / Math.max(1, event.total)));
    request.addEventListener("load", () => done({ status: request.status, text: request.responseText }));
    request.addEventListener("error", () => done({ status: 0, text: "" }));
    request.send(file);
  });
}

function wordsOf({ status, text }) {
  if (status === 202) return "The file is there; its job stands below.";
  if (status === 401) return "Your session has ended: sign in in another tab, then press again.";
  const page = new DOMParser().parseFromString(text, "text/html");
  return page.querySelector("main p")?.textContent ?? (status ? `The console answered ${status}.` : "The console does not answer.");
}

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
    const answer = await send(file, format);
    [button.disabled, find("progress").hidden] = [false, true];
    find("said").textContent = wordsOf(answer);
    if (answer.status === 202) input.value = "";
  });
}
