import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { land } from "./vite-land.mjs";

// The desktop's web view is WebKitGTK 2.42 or newer; nothing older is served.
export default defineConfig(({ mode }) => ({
  plugins: [svelte(), land()],
  base: "./",
  // `scenario` builds the console with the fake host inside, for the browser and its tests; the product has none of it.
  define: { __SCENARIO__: JSON.stringify(mode === "scenario" || mode === "development" || mode === "test") },
  build: { target: "safari16.4", sourcemap: false, chunkSizeWarningLimit: 600, assetsInlineLimit: 0 },
  server: { port: 1420, strictPort: true, host: "127.0.0.1" },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
}));
