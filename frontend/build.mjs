// Builds the pages' scripts, style and icons into src/bookhand/web/built: `node frontend/build.mjs`.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, "..", "src", "bookhand", "web");
const into = join(web, "built");

/** Every file below `folder` whose name ends in one of `endings`. */
async function files(folder, endings) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((each) => each.isFile() && endings.some((ending) => each.name.endsWith(ending)))
    .map((each) => join(each.parentPath, each.name));
}

/** One SVG file of the icons that the pages name by `icon("name")`, `empty("name", …)` or `icon = "name"`. */
async function icons() {
  const names = new Set();
  for (const path of await files(web, [".html", ".py", ".toml"])) {
    const text = await readFile(path, "utf8");
    for (const [, name] of text.matchAll(/\b(?:icon|empty)(?:\(|\s*=\s*)["']([a-z0-9-]+)["']/g)) names.add(name);
  }
  const symbols = [];
  for (const name of [...names].sort()) {
    const path = join(here, "node_modules", "@tabler", "icons", "icons", "outline", `${name}.svg`);
    const drawn = (await readFile(path, "utf8").catch(() => { throw new Error(`Tabler has no icon ${name}.`); }));
    const body = drawn.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
    symbols.push(
      `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" ` +
      `stroke-linecap="round" stroke-linejoin="round">${body.replace(/\s*\n\s*/g, "")}</symbol>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n`;
}

/** What those whose work is in the bundle ask to have said. */
async function licences() {
  const parts = [];
  for (const name of ["@tabler/core", "@tabler/icons", "echarts", "zrender", "htmx.org", "idiomorph"]) {
    const folder = join(here, "node_modules", name);
    const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const text = (await readdir(folder)).find((each) => /^(licen[cs]e|copying)/i.test(each));
    parts.push(`${name} ${about.version} (${about.license})\n\n${text ? await readFile(join(folder, text), "utf8") : ""}`);
  }
  return parts.join("\n----\n");
}

await rm(into, { recursive: true, force: true });
await mkdir(into, { recursive: true });
const made = await build({
  entryPoints: ["app.js", "charts.js", "look.js", "passkey.js", "app.css"].map((name) => join(here, "src", name)),
  outdir: into,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome110", "firefox115", "safari16"],
  legalComments: "none",
  loader: { ".svg": "dataurl" },
  logLevel: "warning",
});
if (made.warnings.length) throw new Error("What is above is mended before anything is built from it.");
await writeFile(join(into, "icons.svg"), await icons());
await writeFile(join(into, "licences.txt"), await licences());
const digest = createHash("sha256");
for (const path of (await files(into, [""])).sort()) digest.update(await readFile(path));
await writeFile(join(into, "built.txt"), `${digest.digest("hex")}\n`);
