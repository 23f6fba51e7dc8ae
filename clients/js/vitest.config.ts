import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/*.test.{ts,tsx}"] } },
      {
        // Against real servers: started by tests/clients/test_javascript_server.py, which
        // says in CALLBOARD_DOOR where to ask for them.
        test: {
          name: "server",
          include: ["tests/server/*.test.ts"],
          // A machine may be busy with much else, and a killed server takes a while to start.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
