import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/kit/build.ts", "test/kit/access.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default of a second is no more than a busy machine may take for one step.
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2,
  },
});
