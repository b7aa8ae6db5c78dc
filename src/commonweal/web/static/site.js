// What every page runs if scripts are on: htmx, and the modules that elements ask for. No page needs it.
import htmx from "vendor/htmx.js";
import { attach } from "modules.js";

Object.assign(htmx.config, {
  // What the content security policy forbids is not tried.
  allowEval: false,
  allowScriptTags: false,
  attributesToSettle: ["class", "width", "height"],
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  timeout: 30_000, // nothing waits for ever
  // Nothing that somebody read stays in the browser after they signed out: going back asks the server.
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  // As a form without scripts does.
  reportValidityOfForms: true,
});

/** What elements may ask for by `data-module`: under each name a function that imports it. */
const MODULES = {
  chart: () => import("chart.js"),
  live: () => import("live.js"),
  news: () => import("news.js"),
  picking: () => import("picking.js"),
  slider: () => import("slider.js"),
  sorting: () => import("sorting.js"),
};

htmx.onLoad((element) => attach(element, MODULES));

// What somebody followed and htmx cannot show (an error, a session that ended), the browser shows as without scripts.
htmx.on("htmx:responseError", ({ detail: { requestConfig, pathInfo } }) => {
  const followed = ["click", "submit"].includes(requestConfig.triggeringEvent?.type);
  if (followed && requestConfig.verb === "get") location.assign(pathInfo.finalRequestPath);
});

// Where no answer comes, what was there stays, and the page says so; the next answer takes it back.
const trouble = document.getElementById("trouble");
for (const silent of ["htmx:sendError", "htmx:timeout"]) htmx.on(silent, () => (trouble.hidden = false));
htmx.on("htmx:afterOnLoad", () => (trouble.hidden = true));
