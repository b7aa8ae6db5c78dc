// Build the vendored files into a folder, with the licences of all that is in them and a lock: node build.js FOLDER
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const FILES = [
  {
    name: "htmx.js",
    from: "htmx.org/dist/htmx.esm.js",
    owner: "htmx.org",
    changes: ["The names eval and Function are undefined, so that nothing can make it evaluate a text."],
    define: { eval: "undefined", Function: "undefined" },
  },
  { name: "ol.css", from: "ol/ol.css", owner: "ol" },
  {
    name: "ol.js",
    from: "./ol.js",
    owner: "ol",
    changes: ["At the first click it does not measure for 150 ms which kind of canvas is read fastest, with a warning."],
    alter: {
      path: "ol/render/canvas/ExecutorGroup.js",
      texts: [
        ["let willReadFrequently = false;", "let willReadFrequently = true;"],
        ["let canvasReadsBenchmarked = false;", "let canvasReadsBenchmarked = true;"],
      ],
    },
  },
  { name: "uplot.css", from: "uplot/dist/uPlot.min.css", owner: "uplot" },
  { name: "uplot.js", from: "uplot/dist/uPlot.esm.js", owner: "uplot" },
];

const folder = process.argv[2];
const lock = {};
const held = {};

mkdirSync(folder, { recursive: true });
for (const file of FILES) {
  const { bytes, packages } = await bundled(file);
  const text = licenceFile(file.name);
  held[text] = new Set([...(held[text] ?? []), ...packages]);
  record(file.name, bytes, packages, text, file.changes);
}
for (const [text, packages] of Object.entries(held)) {
  record(text, Buffer.from([...packages].map(licence).join(`\n${"-".repeat(80)}\n\n`)), [...packages], text);
}
const sorted = Object.fromEntries(Object.entries(lock).sort(([one], [other]) => (one < other ? -1 : 1)));
writeFileSync(join(folder, "lock.json"), `${JSON.stringify(sorted, null, 2)}\n`);
for (const [name, { gzip_size }] of Object.entries(sorted)) console.log(`${name}: ${gzip_size} bytes compressed`);

/** Minify a file with what it imports, and say which packages ended up in it, its own first. */
async function bundled({ name, from, owner, define, alter }) {
  const { version, licence } = described(owner);
  const { outputFiles, metafile } = await build({
    entryPoints: [from],
    banner: { [extname(name).slice(1)]: `/*! ${owner} ${version}, ${licence}: see ${licenceFile(name)} */` },
    bundle: true,
    define,
    format: "esm",
    legalComments: "none",
    metafile: true,
    minify: true,
    outfile: name,
    plugins: alter ? [altering(alter)] : [],
    target: "es2022",
    write: false,
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const found = Object.keys(inputs)
    .filter((path) => inputs[path].bytesInOutput > 0)
    .map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? owner);
  return { bytes: Buffer.from(outputFiles[0].contents), packages: [...new Set([owner, ...found.sort()])] };
}

/** Replace texts in one of the files that are bundled; a newer version that has them no longer is not built. */
function altering({ path, texts }) {
  const load = () => {
    let contents = readFileSync(`node_modules/${path}`, "utf8");
    for (const [from, to] of texts) {
      if (contents.split(from).length !== 2) throw new Error(`${path} does not hold once: ${from}`);
      contents = contents.replace(from, to);
    }
    return { contents };
  };
  return { name: "altering", setup: ({ onLoad }) => onLoad({ filter: new RegExp(`/node_modules/${path}$`) }, load) };
}

/** Write a file, and say in the lock what it is. */
function record(name, bytes, [owner, ...others], text, changes = []) {
  writeFileSync(join(folder, name), bytes);
  lock[name] = {
    ...described(owner),
    licence_text: text,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    size: bytes.length,
    gzip_size: gzipSync(bytes, { level: 6 }).length,
    bundled: others.map(described),
    changes,
  };
}

function described(owner) {
  const { version, license, homepage, repository } = JSON.parse(readFileSync(`node_modules/${owner}/package.json`, "utf8"));
  const page = homepage ?? repository.replace(/^github:/, "https://github.com/");
  return { package: owner, version, licence: license, homepage: page.replace(/#.*/, "") };
}

function licenceFile(name) {
  return `${name.slice(0, -extname(name).length)}.LICENSE`;
}

function licence(owner) {
  const path = ["LICENSE", "LICENSE.md"].map((file) => `node_modules/${owner}/${file}`).find(existsSync);
  return `${owner} ${described(owner).version}\n\n${readFileSync(path, "utf8").trim()}\n`;
}
