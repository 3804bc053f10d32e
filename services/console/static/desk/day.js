// When the reader's own day began, in RFC 3339.
export function startOfToday() {
  const start = new Date();
  start.setHours(0, 0, 0, 0);
  return start.toISOString();
}
