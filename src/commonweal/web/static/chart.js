// A time series that can be read point by point. The picture from the server stays until somebody points at it or
// comes to it by keyboard: on a weak link nobody loads what they do not use.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -24, PageDown: 24, Home: -Infinity, End: Infinity };

export default function chart(figure) {
  const picture = figure.querySelector(".picture");
  if (!picture) return;
  picture.tabIndex = 0;
  picture.setAttribute("role", "group");
  picture.setAttribute("aria-label", picture.querySelector("svg").getAttribute("aria-label"));
  const draw = () => {
    for (const event of ["pointerenter", "focus"]) picture.removeEventListener(event, draw);
    drawn(figure, picture).catch(() => {}); // the picture from the server is still there, and the table
  };
  for (const event of ["pointerenter", "focus"]) picture.addEventListener(event, draw);
}

async function drawn(figure, picture) {
  const [{ default: uPlot }, answer] = await Promise.all([import("vendor/uplot.js"), fetch(figure.dataset.source)]);
  if (!answer.ok) return;
  const { rows, chart } = await answer.json();
  await style(import.meta.resolve("vendor/uplot.css"));
  const colour = (name) => getComputedStyle(figure).getPropertyValue(name).trim();
  const axis = { stroke: () => colour("--muted"), grid: { stroke: () => colour("--line") }, ticks: { show: false } };
  const seconds = rows.map((row) => Date.parse(row[chart.x]) / 1000);
  const columns = chart.y.map(([key]) => rows.map((row) => row[key]));
  const language = document.documentElement.lang.replace(/^en$/, "en-GB"); // as the server writes dates
  const said_as = { timeZone: chart.time_zone, dateStyle: "medium", timeStyle: "short", hourCycle: "h23" };
  const moment = new Intl.DateTimeFormat(language, said_as);
  const number = new Intl.NumberFormat(language);
  const size = () => ({ width: picture.clientWidth, height: Math.max(180, Math.round(picture.clientWidth * 0.45)) });
  const plot = new uPlot(
    {
      ...size(),
      tzDate: (second) => uPlot.tzDate(new Date(second * 1000), chart.time_zone),
      scales: { y: { range: (_, low, high) => [0, Math.max(high, 1) * 1.05] } },
      axes: [axis, { ...axis, values: (_, ticks) => ticks.map((tick) => number.format(tick)), size: 64 }],
      cursor: { drag: { x: true, y: false } },
      legend: { show: false },
      series: [
        {},
        ...chart.y.map(([, label], place) => ({
          label,
          stroke: () => colour(place ? "--flow" : "--bar"),
          width: 2,
          points: { show: rows.length <= 31 },
        })),
      ],
    },
    [seconds, ...columns],
  );
  const said = document.createElement("p");
  said.className = "muted reading";
  said.setAttribute("role", "status");
  const say = (place) => {
    const values = columns.map((column) => (column[place] === null ? rows[place].state ?? "–" : number.format(column[place])));
    said.textContent = `${moment.format(seconds[place] * 1000)}: ${values.join(", ")}`;
  };
  picture.replaceChildren(plot.root, said);
  plot.over.addEventListener("pointermove", () => plot.cursor.idx !== null && say(plot.cursor.idx));
  let place = rows.length - 1;
  picture.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    place = Math.min(rows.length - 1, Math.max(0, place + step));
    plot.setCursor({ left: plot.valToPos(seconds[place], "x"), top: plot.over.clientHeight / 2 });
    say(place);
  });
  new ResizeObserver(() => plot.setSize(size())).observe(picture.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
  say(place);
}

function style(address) {
  if (document.querySelector(`link[href="${address}"]`)) return null;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
  const loaded = new Promise((resolve) => link.addEventListener("load", resolve));
  document.head.append(link);
  return loaded;
}
