import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    outDir: "dist",
    // Everything is a file of its own: the server's policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    target: "es2022",
    // Rollup's polyfill is not needed by any browser that runs ES2022.
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/api": server,
      "/livez": server,
      "/ws": { target: server, ws: true },
    },
  },
  test: { include: ["tests/**/*.test.ts"] },
});
