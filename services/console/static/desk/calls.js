// Calls of our own server. They end in an answer, or in null: no connection, or too slow a one.
const PATIENCE_MS = 10_000;

export async function call(method, path, { body = null, patienceMs = PATIENCE_MS } = {}) {
  const headers = body === null ? {} : { "Content-Type": "application/json" };
  const payload = body === null ? null : JSON.stringify(body);
  const signal = AbortSignal.timeout(patienceMs);
  try {
    const response = await fetch(path, { method, headers, body: payload, signal });
    return { status: response.status, text: await response.text() };
  } catch {
    return null;
  }
}

/** Whether a call that ended so is worth trying again. */
export function passing(answer) {
  return answer === null || answer.status >= 500 || answer.status === 408 || answer.status === 429;
}

/** What a refusal says; nothing, where it is none of our service's. */
export function problemOf(answer) {
  try {
    return JSON.parse(answer.text) ?? {};
  } catch {
    return {};
  }
}

/** What a refusal says to people. */
export function detailOf(answer) {
  return problemOf(answer).detail ?? "";
}
