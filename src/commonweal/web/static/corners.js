// Corners as people type them, read as `commonweal.web.place.read` reads them: what is typed is shown on the map.

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;

/** Give [longitude, latitude] of each corner; null if one cannot be read or lies outside the globe. */
export function read(text) {
  const corners = text.replaceAll("\u2212", "-").split(/[\r\n]+/).flatMap(pairs).map(corner);
  return corners.includes(null) ? null : corners;
}

/** Write a corner, to some ten metres. */
export function write(corner) {
  return corner.map((degrees) => String(Number(degrees.toFixed(4)))).join(", ");
}

/** Give the number of kilometres; null if it cannot be read or is none. */
export function kilometres(text) {
  const said = text.trim().replace(",", ".");
  return NUMBER.test(said) && Number(said) > 0 ? Number(said) : null;
}

/** Let each longitude follow the one before the shorter way round, so that what crosses 180° stays together. */
export function unwrapped(corners) {
  let before = corners[0]?.[0];
  return corners.map(([longitude, latitude]) => {
    const turns = (longitude - before) / 360;
    before = longitude - 360 * Math.sign(turns) * Math.ceil(Math.abs(turns) - 0.5);
    return [before, latitude];
  });
}

function pairs(line) {
  const said = line.replace(/\s*([,;])\s*/g, "$1").replace(/[,;]+$/, "");
  const parts = said.split(/\s+/).filter(Boolean);
  return parts.length === 2 && !/[,;]/.test(said) ? [parts.join(";")] : parts;
}

function corner(pair) {
  const parts = pair.includes(";") ? pair.split(";").map((part) => part.replaceAll(",", ".")) : pair.split(",");
  if (parts.length !== 2 || !parts.every((part) => NUMBER.test(part))) return null;
  const [longitude, latitude] = parts.map(Number);
  return Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90 ? [longitude, latitude] : null;
}
