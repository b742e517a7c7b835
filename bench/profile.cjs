// Loaded into every process with --profile: SIGUSR2 starts a CPU profile, the next one writes it.
const { writeFileSync } = require("node:fs");
const { Session } = require("node:inspector");
const { join } = require("node:path");
const { isMainThread } = require("node:worker_threads");

if (isMainThread) {
  let session;
  process.on("SIGUSR2", () => {
    if (session === undefined) {
      session = new Session();
      session.connect();
      session.post("Profiler.enable");
      session.post("Profiler.start");
      return;
    }
    const mine = session;
    session = undefined;
    mine.post("Profiler.stop", (error, result) => {
      mine.disconnect();
      if (error !== null) throw error;
      const script = (process.argv[1] ?? "node").split("/").slice(-2).join("-");
      const file = join(process.env.GRAIN_BENCH_PROFILES, `${script}-${process.pid}.cpuprofile`);
      writeFileSync(file, JSON.stringify(result.profile));
    });
  });
}
