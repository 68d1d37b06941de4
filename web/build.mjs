// Bundles the pages into the two files each that the Rust crates embed. `node build.mjs`, or `npm run build`.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const bundles = {
  "src/page.ts": "../crates/stepsize-draw/web/page",
  "src/playground.ts": "../crates/stepsize-serve/web/playground",
};
for (const [entry, out] of Object.entries(bundles)) {
  await build({
    entryPoints: { [out.split("/").pop()]: at(entry) },
    outdir: at(`${out.slice(0, out.lastIndexOf("/"))}`),
    bundle: true,
    minify: true,
    format: "iife",
    target: ["chrome109", "firefox115", "safari16"],
    legalComments: "inline",
    // A browser that reads the script as another encoding than UTF-8 must not change its texts.
    charset: "ascii",
    logLevel: "warning",
  });
}
