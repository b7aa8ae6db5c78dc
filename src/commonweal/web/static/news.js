// Shows what is published while the page stays open: by what the server sends, or else by asking now and then. Whoever is
// using the page is not disturbed, but told.
import htmx from "vendor/htmx.js";

const EVERY = 60_000; // milliseconds between two questions
const RESTS = 15_000; // after which a stream that was refused is replaced by questions

export default function news(element) {
  const { stream, source, newer } = element.dataset;
  let known = null;
  let events = null;
  let timer = null;

  function show() {
    stop();
    htmx.ajax("GET", location.href, { source: element, target: element, select: `#${element.id}`, swap: "outerHTML" });
  }

  function changed() {
    if (!element.contains(document.activeElement)) return show();
    if (element.querySelector(".newer")) return;
    const button = Object.assign(document.createElement("button"), { className: "newer", type: "button" });
    button.textContent = newer;
    button.addEventListener("click", show);
    const status = document.createElement("p");
    status.setAttribute("role", "status");
    status.append(button);
    element.prepend(status);
  }

  function heard(now) {
    if (known !== null && now !== known) changed();
    known = now;
  }

  function listen() {
    events = new EventSource(stream);
    events.addEventListener("progress", ({ data }) => (element.isConnected ? heard(data) : stop()));
    events.addEventListener("error", () => {
      if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      known = null;
      timer = setTimeout(ask, RESTS);
    });
  }

  async function ask() {
    try {
      const answer = await fetch(source, { cache: "no-store", signal: AbortSignal.timeout(EVERY) });
      if (answer.ok) heard(answer.headers.get("etag"));
      else if ([401, 403].includes(answer.status)) return; // signed out meanwhile: what is there stays
    } catch {
      // no answer this time
    }
    if (element.isConnected && !document.hidden) timer = setTimeout(ask, EVERY);
  }

  function stop() {
    events?.close();
    clearTimeout(timer);
  }

  // A browser has few connections to a site, and they are for what is looked at.
  document.addEventListener("visibilitychange", () => {
    stop();
    if (!document.hidden && element.isConnected) listen();
  });
  if (!document.hidden) listen();
}
