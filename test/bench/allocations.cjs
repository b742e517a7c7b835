// Loaded into a process: SIGUSR2 starts to sample what is allocated on its heap, whether or not it
// is freed again; the next SIGUSR2 prints the sum.
const { Session } = require("node:inspector");
const { isMainThread } = require("node:worker_threads");

const sum = (node) => node.children.reduce((bytes, child) => bytes + sum(child), node.selfSize);

if (isMainThread) {
  let session;
  process.on("SIGUSR2", () => {
    if (session === undefined) {
      session = new Session();
      session.connect();
      session.post("HeapProfiler.startSampling", {
        samplingInterval: 16 * 1024,
        includeObjectsCollectedByMajorGC: true,
        includeObjectsCollectedByMinorGC: true,
      });
      process.stdout.write("sampling\n");
      return;
    }
    session.post("HeapProfiler.stopSampling", (error, result) => {
      session.disconnect();
      if (error !== null) throw error;
      process.stdout.write(`allocated ${sum(result.profile.head)}\n`);
    });
  });
}
