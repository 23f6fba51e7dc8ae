// Measure what the client adds to a page: bundled, minified, compressed.
// Usage: node size.js   (fails where the core is larger than it promises)
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const SOURCE = path.join(import.meta.dirname, "../src");
const MOST_BYTES = 15_000;

const core = await sizeOf('export * from "./index.ts";');
const sizes = {
  core,
  "core and React hooks": await sizeOf('export * from "./index.ts"; export * from "./react.ts";'),
  "core, hooks and uploads": await sizeOf(
    'export * from "./index.ts"; export * from "./react.ts"; export * from "./uploads.ts";',
  ),
  "a store of one's own, the rest shaken off": await sizeOf('export { Cell } from "./index.ts";'),
};
for (const [name, size] of Object.entries(sizes)) console.log(`${name}: ${size} bytes gzipped`);
if (core > MOST_BYTES) {
  console.error(`The core is over ${MOST_BYTES} bytes.`);
  process.exit(1);
}

/** Bundle a module of these lines, without React, which its page has. */
async function sizeOf(lines) {
  const entry = path.join(SOURCE, "size-entry.ts");
  const { output } = await build({
    configFile: false,
    logLevel: "warn",
    plugins: [
      {
        name: "lines",
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? lines : null),
      },
    ],
    build: {
      write: false,
      minify: true,
      target: "es2022",
      rolldownOptions: {
        input: entry,
        external: ["react"],
        preserveEntrySignatures: "strict",
        output: { format: "es" },
      },
    },
  });
  return gzipSync(output.map((each) => each.code).join("\n"), { level: 9 }).length;
}
