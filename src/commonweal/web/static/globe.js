// Polygons and circles on the map, as the form means them: edges straight in longitude and latitude, radii on the Earth.
// The map's projection (Mercator) would bend both.
import { Circle, Polygon, circular, fromLonLat, getDistance, toLonLat } from "vendor/ol.js";
import { unwrapped } from "corners.js";

const EARTH = 6371008.8; // metres, as the library has it
const STEP = 0.5; // degrees between the points that a long edge is drawn with
const CIRCLE_CORNERS = 128;
const DEGREE = fromLonLat([1, 0])[0];

/** Give the polygon with these corners in degrees. */
export function polygon(corners) {
  const ring = corners.map((corner) => fromLonLat(corner));
  return new Polygon([[...ring, ring[0]]]);
}

/** Give the circle around a centre in degrees; null if it reaches a pole. */
export function circle([longitude, latitude], kilometres) {
  const turn = Math.sin((kilometres * 1000) / EARTH / 2) / Math.cos((latitude * Math.PI) / 180);
  if (turn >= 1) return null;
  const width = (2 * Math.asin(turn) * 180) / Math.PI;
  return new Circle(fromLonLat([longitude, latitude]), width * DEGREE);
}

/** Give the radius of a circle on the map, in kilometres on the Earth. */
export function radius(shape) {
  const [x, y] = shape.getCenter();
  return getDistance(toLonLat([x, y]), toLonLat([x + shape.getRadius(), y])) / 1000;
}

/** Give the points by which a shape is changed. */
export function handles(shape) {
  switch (shape.getType()) {
    case "Circle":
      return [shape.getCenter(), [shape.getCenter()[0] + shape.getRadius(), shape.getCenter()[1]]];
    case "Polygon":
      return shape.getCoordinates()[0];
    case "Point":
      return [shape.getCoordinates()];
    default:
      return [];
  }
}

/** Give what a shape looks like on the map. */
export function bent(shape) {
  if (shape.getType() === "Circle") {
    const centre = degrees(shape.getCenter());
    const [ring] = circular(centre, radius(shape) * 1000, CIRCLE_CORNERS).getCoordinates();
    return polygon(unwrapped([centre, ...ring]).slice(1));
  }
  if (shape.getType() === "Polygon") return new Polygon(shape.getCoordinates().map(bentRing));
  return shape;
}

function bentRing(ring) {
  const points = ring.slice(0, 1);
  for (const [place, end] of ring.slice(1).entries()) {
    const [from, to] = [degrees(ring[place]), degrees(end)];
    const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / STEP));
    for (let step = 1; step < steps; step += 1) {
      points.push(fromLonLat(from.map((value, axis) => value + ((to[axis] - value) * step) / steps)));
    }
    points.push(end);
  }
  return points;
}

/** Give longitude and latitude of a point of the map; beyond 180° the longitude goes on. */
function degrees(point) {
  return [point[0] / DEGREE, toLonLat(point)[1]];
}
