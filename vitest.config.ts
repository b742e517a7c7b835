import { configDefaults, defineConfig } from "vitest/config";

/** Real daemons, under real signals, on a machine that may be busy with anything. */
const DAEMONS = "test/e2e/**/*.test.ts";

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    globalSetup: ["test/kit/build.ts", "test/kit/access.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default of a second is no more than a busy machine may take for one step.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, DAEMONS],
        },
      },
      {
        extends: true,
        // In CI a test that fails gets one more try, and is marked as one that did.
        test: { name: "daemons", include: [DAEMONS], retry: process.env.CI ? 1 : 0 },
      },
    ],
  },
});
