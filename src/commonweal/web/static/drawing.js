// The map of the form part that says a place: areas are picked, a polygon or a circle is drawn and its corners are moved.
// It shows what stands in the fields, and writes there what is drawn; what it wrote is read back like what is typed.
import * as ol from "vendor/ol.js";
import { kilometres, read, unwrapped, write } from "corners.js";
import { bent, circle, handles, polygon, radius } from "globe.js";

/**
 * Set the map up.
 *
 * @param {Element} part The part of the form.
 * @param {Element} panel What is around the map: its tools and its status line.
 * @param {Object<string, string>} words What it says.
 */
export default async function drawing(part, panel, words) {
  const [answer] = await Promise.all([fetch(part.dataset.outlines), styled()]);
  if (!answer.ok) throw new Error(answer.statusText);
  const outlines = await answer.json();
  const [west, south, east, north] = outlines.bbox;
  // Where the areas lie on both sides of 180°, western longitudes go on in the east.
  const shifted = (longitude) => (west > east && longitude < 0 ? longitude + 360 : longitude);

  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 3 });
  const said = panel.querySelector("[data-said]");
  const say = (what, values = {}) => {
    said.textContent = words[what].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  };
  const [corners, centre, reach] = ["polygon", "centre", "radius"].map((name) => part.querySelector(`[name=${name}]`));
  const fields = [corners, centre, reach];
  const boxes = new Map([...part.querySelectorAll("[name=areas]")].map((box) => [box.value, box]));

  const look = looks(part);
  const areas = new ol.VectorLayer({
    source: new ol.VectorSource({ features: featuresOf(outlines, shifted) }),
    style: (feature) => look.area(boxes.get(feature.get("code"))?.checked),
  });
  const drawn = new ol.VectorSource();
  const shapes = new ol.VectorLayer({ source: drawn, style: look.shape });
  const place = panel.querySelector("[data-map]");
  const map = new ol.Map({
    target: place,
    controls: [zoom(words)],
    interactions: ol.defaultInteractions({ altShiftDragRotate: false, pinchRotate: false, onFocusOnly: true }),
    layers: [areas, shapes],
    view: new ol.View({ center: [0, 0], zoom: 1, enableRotation: false, maxZoom: 18 }),
  });
  map.getView().fit([...ol.fromLonLat([west, south]), ...ol.fromLonLat([shifted(east), north])], {
    padding: [16, 16, 16, 16],
  });

  // The fields and the map ──────────────────────────────────────────────────────────────────────────────────────────

  /** Draw what stands in the fields; say whether all of it can be read. */
  const show = () => {
    const typed = read(corners.value);
    const middle = read(centre.value);
    const found = [];
    if (typed?.length > 2) {
      const [[longitude, latitude], ...others] = typed;
      found.push(polygon(unwrapped([[shifted(longitude), latitude], ...others])));
    }
    if (middle?.length === 1 && kilometres(reach.value)) {
      const [[longitude, latitude]] = middle;
      found.push(circle([shifted(longitude), latitude], kilometres(reach.value)));
    }
    const shown = found.filter(Boolean);
    drawn.clear();
    drawn.addFeatures(shown.map((shape) => new ol.Feature(shape)));
    const filled = Boolean(corners.value.trim()) + Boolean(centre.value.trim() || reach.value.trim());
    return shown.length === filled;
  };

  const sayWhatIsDrawn = (shape) => {
    if (shape.getType() === "Circle") {
      say("circle", { radius: number.format(kilometres(reach.value)), centre: centre.value });
    } else {
      const size = number.format(ol.getArea(bent(shape)) / 1e6);
      say("polygon", { corners: number.format(shape.getCoordinates()[0].length - 1), size });
    }
  };

  /** Write a shape into its fields, and show it again from there. */
  const put = (shape) => {
    if (shape.getType() === "Circle") {
      centre.value = write(ol.toLonLat(shape.getCenter()));
      reach.value = String(Number(radius(shape).toPrecision(3)));
    } else {
      const ring = shape.getCoordinates()[0].slice(0, -1);
      corners.value = ring.map((point) => write(ol.toLonLat(point))).join("\n");
    }
    show();
    sayWhatIsDrawn(shape);
  };

  for (const field of fields) {
    field.addEventListener("input", () => {
      if (!show()) return say("unreadable");
      const changed = drawn.getFeatures().find((one) => (one.getGeometry().getType() === "Polygon") === (field === corners));
      return changed ? sayWhatIsDrawn(changed.getGeometry()) : say("ready");
    });
  }

  // Drawing and changing ────────────────────────────────────────────────────────────────────────────────────────────

  const modify = new ol.Modify({ source: drawn });
  // Later, since the library is still busy with the shape.
  modify.on("modifyend", ({ features }) => setTimeout(() => features.getArray().forEach((one) => put(one.getGeometry()))));
  map.addInteraction(modify);

  let draw = null;
  const tools = [...panel.querySelectorAll("[data-tool]")];
  const stop = () => {
    if (draw) map.removeInteraction(draw);
    draw = null;
    modify.setActive(true);
    for (const tool of tools) tool.setAttribute("aria-pressed", "false");
  };
  const begin = (tool) => {
    stop();
    draw = new ol.Draw({ type: tool.dataset.tool, stopClick: true, freehandCondition: () => false, style: look.shape });
    draw.on("drawend", ({ feature }) =>
      setTimeout(() => {
        stop();
        put(feature.getGeometry());
      }),
    );
    modify.setActive(false);
    map.addInteraction(draw);
    tool.setAttribute("aria-pressed", "true");
    say(tool.dataset.tool === "Circle" ? "circle_how" : "polygon_how");
  };
  const giveUp = () => {
    stop();
    say("stopped");
  };
  for (const tool of tools) tool.addEventListener("click", () => (tool.ariaPressed === "true" ? giveUp() : begin(tool)));
  panel.addEventListener("keydown", (event) => event.key === "Escape" && draw && giveUp());
  panel.querySelector("[data-remove]").addEventListener("click", () => {
    stop();
    for (const field of fields) field.value = "";
    show();
    say("removed");
  });

  // Picking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  const areaAt = (pixel) => map.forEachFeatureAtPixel(pixel, (feature) => feature, { layerFilter: (layer) => layer === areas });
  map.on("singleclick", ({ pixel }) => {
    const area = draw ? null : areaAt(pixel);
    const box = area && boxes.get(area.get("code"));
    if (!box) return;
    box.checked = !box.checked;
    box.closest("li").hidden = box.closest(".choices > div").hidden = false;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    say(box.checked ? "picked" : "dropped", { area: area.get("name") });
  });
  map.on("pointermove", ({ pixel, dragging }) => {
    if (!dragging) place.title = areaAt(pixel)?.get("name") ?? "";
  });
  part.addEventListener("change", () => areas.changed());
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => [areas, shapes].forEach((layer) => layer.changed()));

  say(show() ? "ready" : "unreadable");
  if (!drawn.isEmpty()) map.getView().fit(drawn.getExtent(), { padding: [80, 80, 80, 80], maxZoom: 12 });
}

/** Give the outlines as the map wants them. */
function featuresOf(outlines, shifted) {
  const features = new ol.GeoJSON().readFeatures(outlines);
  for (const feature of features) {
    feature.getGeometry().applyTransform((flat, _, size) => {
      for (let place = 0; place < flat.length; place += size) flat[place] = shifted(flat[place]);
    });
    feature.getGeometry().transform("EPSG:4326", "EPSG:3857");
  }
  return features;
}

/** Give what areas and shapes look like, in the colours of the page as they are at the time. */
function looks(part) {
  const colour = (name) => getComputedStyle(part).getPropertyValue(name).trim();
  const stroke = (name, width) => new ol.Stroke({ color: colour(name), width });
  const fill = (name, thin = "") => new ol.Fill({ color: colour(name) + thin });
  const points = (coordinates) => new ol.GeoJSON().readGeometry({ type: "MultiPoint", coordinates });
  return {
    area: (picked) =>
      picked
        ? new ol.Style({ fill: fill("--class-2"), stroke: stroke("--text", 1.5), zIndex: 1 })
        : new ol.Style({ fill: fill("--texture"), stroke: stroke("--texture-line", 1) }),
    shape: (feature) => {
      const shape = feature.getGeometry();
      const image = new ol.CircleStyle({ radius: 6, fill: fill("--page"), stroke: stroke("--flow", 3) });
      return [
        new ol.Style({ geometry: bent(shape), fill: fill("--flow", "26"), stroke: stroke("--flow-edge", 6) }),
        new ol.Style({ geometry: bent(shape), stroke: stroke("--flow", 3) }),
        new ol.Style({ geometry: points(handles(shape)), image }),
      ];
    },
  };
}

function zoom(words) {
  const control = new ol.Zoom({ zoomInTipLabel: words.closer, zoomOutTipLabel: words.farther });
  for (const button of control.element.querySelectorAll("button")) button.ariaLabel = button.title;
  return control;
}

function styled() {
  const address = import.meta.resolve("vendor/ol.css");
  if (document.querySelector(`link[href="${address}"]`)) return null;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
  const loaded = new Promise((resolve, reject) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", reject);
  });
  document.head.append(link);
  return loaded;
}
