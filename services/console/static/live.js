// Parts of a page that are asked for anew while it is seen: each names itself, and how often.
const SLOWEST_MS = 30_000;
const listeners = [];

/** Call `made(part)` for the page, and for each part of it that has been replaced. */
export function onNew(made) {
  listeners.push(made);
  made(document);
}

/** Ask for a part with the query that is given, and put it in place. */
export async function refresh(part, query = location.search) {
  const headers = { "Surehand-Fragment": part.dataset.live };
  const response = await fetch(location.pathname + query, { headers, signal: AbortSignal.timeout(20_000) });
  // The page stays: a form may be half filled in, and its post keeps what was typed.
  document.getElementById("session-ended").hidden = response.status !== 401;
  if (!response.ok) throw new Error(`status ${response.status}`);
  const text = await response.text();
  // Nothing is taken from under the hands of a person who is typing, or reading a table.
  const inUse = part.contains(document.activeElement) && document.activeElement !== part;
  if (text === part.lastText || inUse || part.querySelector("details[open]")) return undefined;
  part.lastText = text;
  const places = [...part.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
  replace(part, text);
  part.querySelectorAll(".scroll").forEach((one, at) => {
    if (places[at]) [one.scrollLeft, one.scrollTop] = places[at];
  });
  return undefined;
}

/** Put HTML into a part. */
export function replace(part, html) {
  part.innerHTML = html;
  for (const made of listeners) made(part);
}

function keep(part) {
  const every = Number(part.dataset.every) * 1000;
  if (!every) return;
  let pause = every;
  const again = async () => {
    try {
      if (!document.hidden) await refresh(part);
      pause = every;
    } catch {
      // The console is away: what is shown stays, and it is asked for less often.
      pause = Math.min(pause * 2, SLOWEST_MS);
    }
    setTimeout(again, pause);
  };
  setTimeout(again, pause);
}

for (const part of document.querySelectorAll("[data-live]")) keep(part);

// On a phone the tabs are wider than the screen.
document.querySelector(".views [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// Times as the reader's clock has them.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
onNew((root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
});
