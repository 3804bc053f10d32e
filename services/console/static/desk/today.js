// "Today" is the reader's own day: the server is told when it began.
import { startOfToday } from "./day.js";

const address = new URL(location.href);
if (address.searchParams.get("since") !== startOfToday()) {
  address.searchParams.set("since", startOfToday());
  location.replace(address);
}
