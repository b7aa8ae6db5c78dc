// Follows work that goes on: by what the server sends, or else by asking now and then. It stops when the work has ended,
// when it may no longer be followed, and while nobody looks.

const EVERY = 3_000; // milliseconds between two questions
const SELDOM = 30_000; // the same when there was no answer, at most
const SILENT = 25_000; // after which a stream that says nothing is taken for lost; it gives signs of life
const PATIENT = 5_000; // after which a stream that was cut off is said to be lost
const ANSWERS = 20; // after which a page that asks tries again whether it is told
const LINES = 200; // of the log that stay on the page
const REFUSED = [401, 403, 404];

let isReloading = false;

/**
 * Keep an element up to date.
 *
 * @param {HTMLElement} element Its `data-source` is the address of the data, its `data-stream`, if there is one, that of
 *   events; `data-line` is the newest line of the log that it shows, and `data-texts` what to say. In it, what has
 *   `data-live` is filled in.
 */
export default function live(element) {
  const { source, stream } = element.dataset;
  const texts = JSON.parse(element.dataset.texts);
  const language = document.documentElement.lang;
  const numbers = new Intl.NumberFormat(language);
  const shares = new Intl.NumberFormat(language, { style: "percent" });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
  const there = new Intl.DateTimeFormat(language, { timeStyle: "medium", hourCycle: "h23", timeZone: texts.zone });
  const part = (name) => element.querySelector(`[data-live="${name}"]`);
  const bar = element.querySelector("progress");

  let line = Number(element.dataset.line);
  let heardAt = new Date();
  let events = null;
  let streams = Boolean(stream);
  let tag = null;
  let wait = EVERY;
  let answers = 0;
  let isOver = false;
  const timers = {};

  function say(name, text) {
    const found = part(name);
    if (found && found.textContent !== text) found.textContent = text;
  }

  function show(data) {
    say("state", data.state === "running" && data.cancel_asked ? texts.stopping : texts.states[data.state]);
    say("doing", data.doing);
    const share = data.total ? data.done / data.total : 0;
    const said = { done: numbers.format(data.done), total: numbers.format(data.total), share: shares.format(share) };
    say("count", data.total ? texts.count.replace(/{(\w+)}/g, (_, name) => said[name]) : "");
    if (data.total) {
      bar.max = data.total;
      bar.value = data.done;
    } else if (data.state === "running") {
      bar.removeAttribute("value");
    }
    for (const one of data.lines) add(one);
  }

  function add({ number, at, text }) {
    if (number <= line) return;
    line = number;
    tag = null; // the next question is another one
    const log = part("log");
    if (!log) return;
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    const [time, words] = [document.createElement("time"), document.createElement("span")];
    time.dateTime = at;
    time.textContent = there.format(new Date(at));
    Object.assign(words, { textContent: text, lang: "en", dir: "ltr" });
    const item = document.createElement("li");
    item.append(time, " ", words);
    log.append(item);
    part("logged").hidden = false;
    while (log.children.length > LINES) log.firstElementChild.remove();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  function heard(data) {
    heardAt = new Date();
    wait = EVERY;
    later("lost", null);
    element.classList.remove("lost");
    say("note", "");
    if (data) show(data);
  }

  function lost() {
    // A bar that goes to and fro would say that work goes on, which nobody knows now.
    if (!bar.hasAttribute("value")) bar.value = 0;
    element.classList.add("lost");
    say("note", texts.lost.replace("{time}", clock.format(heardAt)));
  }

  function refused() {
    isOver = true;
    stop();
    element.classList.add("lost");
    say("note", texts.refused);
  }

  function ended() {
    isOver = true;
    stop();
    if (!isReloading) location.reload(); // the page says how it ended, once for all its elements
    isReloading = true;
  }

  /** Do something after a while, instead of what was to be done under the same name. */
  function later(name, action, milliseconds) {
    clearTimeout(timers[name]);
    timers[name] = action && setTimeout(action, milliseconds);
  }

  function listen() {
    events = new EventSource(`${stream}?after=${line}`);
    events.addEventListener("progress", (event) => alive(JSON.parse(event.data)));
    events.addEventListener("beat", () => alive());
    events.addEventListener("end", ended);
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) askInstead(); // no place is free, or nothing is sent here
      else if (!timers.lost) later("lost", lost, PATIENT); // the browser tries again by itself
    });
    alive();
  }

  function alive(data) {
    if (!element.isConnected) return stop(); // another part of the page took its place
    if (data) heard(data);
    else if (events.readyState === EventSource.OPEN) heard();
    later("silence", askInstead, SILENT);
  }

  function askInstead() {
    streams = false;
    stop();
    ask();
  }

  async function ask() {
    try {
      const headers = tag ? { "if-none-match": tag } : {};
      const signal = AbortSignal.timeout(SELDOM);
      const answer = await fetch(`${source}?after=${line}`, { headers, signal, cache: "no-store" });
      if (REFUSED.includes(answer.status)) return refused();
      if (answer.status === 304) heard();
      else if (!answer.ok) throw new Error(answer.statusText);
      else {
        tag = answer.headers.get("etag");
        const data = await answer.json();
        heard(data);
        if (data.finished) return ended();
      }
      answers += 1;
    } catch {
      lost();
      wait = Math.min(2 * wait, SELDOM);
    }
    if (isOver || document.hidden || !element.isConnected) return;
    if (stream && answers >= ANSWERS) {
      answers = 0;
      streams = true;
      later("ask", begin, wait);
    } else {
      later("ask", ask, wait);
    }
  }

  function stop() {
    events?.close();
    for (const name of Object.keys(timers)) later(name, null);
  }

  function begin() {
    stop();
    if (isOver || document.hidden) return; // a browser has few connections to a site, and they are for what is looked at
    if (streams) listen();
    else ask();
  }

  document.addEventListener("visibilitychange", begin);
  begin();
}
