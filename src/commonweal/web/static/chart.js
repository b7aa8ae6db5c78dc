// A time series that can be read point by point. The picture from the server stays until somebody points at it or
// comes to it by keyboard: on a weak link nobody loads what they do not use.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -24, PageDown: 24, Home: -Infinity, End: Infinity };

// As pictures.css has them.
const COLOURS = ["--bar", "--flow", "--bar", "--flow", "--muted"];
const DASHES = [undefined, undefined, [7, 4], [7, 4], [2, 4]];
const TALL = 14;

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
  const words = JSON.parse(figure.dataset.said); // in the reader's language, which the rows are not
  await style(import.meta.resolve("vendor/uplot.css"));
  const colour = (name) => getComputedStyle(figure).getPropertyValue(name).trim();
  const axis = { stroke: () => colour("--muted"), grid: { stroke: () => colour("--line") }, ticks: { show: false } };
  const seconds = rows.map((row) => Date.parse(row[chart.x]) / 1000);
  const edges = chart.band ? chart.band.slice(0, 2) : [];
  const columns = [...chart.y.map(([key]) => key), ...edges].map((key) => rows.map((row) => row[key]));
  const marking = chart.gaps.length ? chart.gaps : chart.y.map(([key]) => key);
  const gaps = rows.map((row) => marking.every((key) => row[key] === null));
  const language = document.documentElement.lang.replace(/^en$/, "en-GB"); // as the server writes dates
  const said_as = { timeZone: chart.time_zone, dateStyle: "medium", timeStyle: "short", hourCycle: "h23" };
  const moment = new Intl.DateTimeFormat(language, said_as);
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const day = new Intl.DateTimeFormat(language, { timeZone: chart.time_zone, day: "numeric", month: "short" });
  const hour = new Intl.DateTimeFormat(language, { timeZone: chart.time_zone, timeStyle: "short", hourCycle: "h23" });
  // A day is named where it begins, between its hours and at the first of them.
  const times = (_plot, ticks, _axis, _space, step) =>
    ticks.map((tick, place) => {
      const [date, clock] = [day.format(tick * 1000), hour.format(tick * 1000)];
      if (step >= 86400) return date;
      return place && date === day.format(ticks[place - 1] * 1000) ? clock : `${clock}\n${date}`;
    });
  const size = () => ({ width: picture.clientWidth, height: Math.max(180, Math.round(picture.clientWidth * 0.45)) });
  const plot = new uPlot(
    {
      ...size(),
      tzDate: (second) => uPlot.tzDate(new Date(second * 1000), chart.time_zone),
      scales: { y: { range: (_, low, high) => [0, Math.max(high, 1) * 1.05] } },
      axes: [{ ...axis, values: times }, { ...axis, values: (_, ticks) => ticks.map((tick) => number.format(tick)), size: 64 }],
      cursor: { drag: { x: true, y: false } },
      legend: { show: false },
      series: [
        {},
        ...chart.y.map(([, label], place) => ({
          label,
          stroke: () => colour(COLOURS[place]),
          dash: DASHES[place],
          width: 2,
          points: { show: rows.length <= 31, fill: () => colour(COLOURS[place]), size: 6 },
        })),
        ...edges.map((label) => ({ label, width: 0, points: { show: false } })),
      ],
      bands: edges.length ? [{ series: [columns.length, columns.length - 1], fill: () => `${colour("--bar")}38` }] : [],
      hooks: { drawAxes: [(drawing) => textured(drawing, seconds, gaps, colour)] },
    },
    [seconds, ...columns],
  );
  const said = document.createElement("p");
  said.className = "muted reading";
  said.setAttribute("role", "status");
  const say = (place) => {
    const row = rows[place];
    const none = words.words[row[chart.why]] ?? "–";
    const values = chart.y.map(([key], line) => {
      const missing = gaps[place] && marking.includes(key) ? none : "–";
      const value = row[key] === null ? missing : number.format(row[key]);
      return chart.y.length > 1 || edges.length ? `${words.lines[line]} ${value}` : value;
    });
    if (edges.length && edges.every((key) => row[key] !== null)) {
      values.push(`${words.band} ${edges.map((key) => number.format(row[key])).join(" … ")}`);
    }
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

// Hatches the moments without a value at the foot of the drawing, as the picture from the server does.
function textured(drawing, seconds, gaps, colour) {
  const { ctx, bbox } = drawing;
  const step = bbox.width / Math.max(seconds.length - 1, 1);
  const tall = TALL * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  gaps.forEach((gap, place) => {
    if (gap) ctx.rect(drawing.valToPos(seconds[place], "x", true) - step / 2, bbox.top + bbox.height - tall, step, tall);
  });
  ctx.fillStyle = colour("--texture");
  ctx.fill();
  ctx.clip();
  ctx.beginPath();
  for (let x = bbox.left - tall; x < bbox.left + bbox.width; x += 7 * devicePixelRatio) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + tall, bbox.top + bbox.height - tall);
  }
  ctx.strokeStyle = colour("--texture-line");
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.stroke();
  ctx.restore();
}

function style(address) {
  if (document.querySelector(`link[href="${address}"]`)) return null;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
  const loaded = new Promise((resolve) => link.addEventListener("load", resolve));
  document.head.append(link);
  return loaded;
}
