import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const WORKER = "callboard-sw";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Writes what the server ships: `api/pages/chat`.
 *
 * Names are stable and without hashes, so that a page elsewhere can name them and so that the
 * same sources give the same files; the server sends them with an ETag. Each entry stands
 * alone: `callboard-chat.js` is the component whole, and the dev page's own script is a page
 * like any other that uses it.
 */
export default defineConfig({
  root: here("."),
  base: "/assets/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: {
    alias: [
      { find: /^@callboard\/client\/(react|uploads)$/, replacement: here("../js/src/$1.ts") },
      { find: /^@callboard\/client$/, replacement: here("../js/src/index.ts") },
      { find: /^react(-dom)?$/, replacement: "preact/compat" },
    ],
  },
  build: {
    outDir: here("../../api/pages/chat"),
    emptyOutDir: true,
    target: "es2022",
    // What has light-dark() and :dir(): older ones would get neither right.
    cssTarget: ["chrome123", "edge123", "firefox121", "safari17.5"],
    modulePreload: false,
    reportCompressedSize: true,
    rolldownOptions: {
      input: {
        dev: here("index.html"),
        "callboard-chat": here("src/element.tsx"),
        [WORKER]: here("src/worker/sw.ts"),
      },
      // What the component exports keeps its names: other pages import them.
      preserveEntrySignatures: "allow-extension",
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: "[name][extname]",
        // Another site takes the worker into its own by importScripts: none of its names get out.
        postBanner: ({ name }) => (name === WORKER ? "(() => {" : ""),
        postFooter: ({ name }) => (name === WORKER ? "})();" : ""),
      },
    },
  },
});
