// Sends a body as a whole, which the console hands on as it comes, and says what became of it.

/** Resolve with status and text; 0 where there is no answer. `told(share)` says how far it is. */
export function send(method, address, mark, body, told) {
  return new Promise((done) => {
    // fetch says nothing of how far an upload is.
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("Surehand-Form", mark);
    if (!(body instanceof FormData)) request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => told(event.loaded / Math.max(1, event.total)));
    request.addEventListener("load", () => done({ status: request.status, text: request.responseText }));
    request.addEventListener("error", () => done({ status: 0, text: "" }));
    request.send(body);
  });
}

/** The words of a page that says why not. */
export function wordsOf({ status, text }) {
  if (status === 401) return "Your session has ended: sign in in another tab, then press again.";
  const page = new DOMParser().parseFromString(text, "text/html");
  return page.querySelector("main p")?.textContent ?? (status ? `The console answered ${status}.` : "The console does not answer.");
}
