import { describe, expect, it } from "vitest";
import { custom } from "../../provider/custom.js";
import type { CustomSettings } from "../../provider/settings.js";
import { Fakes, JOB, settingsOf } from "./fakes.js";

const SYSTEM: CustomSettings = {
  submit: ["mysub", "-v"],
  status: ["mystat"],
  cancel: ["mydel"],
  states: { queued: ["Q"], running: ["R"], ended: ["GONE"], failed: ["F"] },
  directives: [],
};
const SCRIPT = { queue: "big", walltimeMs: 3_600_000, cores: 4, memoryBytes: 2 ** 30, extraArgs: ["a b"] };

function settings(more: Partial<CustomSettings> = {}) {
  return settingsOf("custom", SCRIPT, { custom: { ...SYSTEM, ...more } });
}

describe("a batch system of the site's own", () => {
  it("gets the usual script", () => {
    expect(custom(settings()).script(JOB)).toMatchInlineSnapshot(`
      "#!/bin/bash
      export GRAIN_JOB_SYSTEM=custom
      export GRAIN_JOB_ID="$$"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_JOB_SECONDS=3600
      export GRAIN_JOB_CORES=4
      export GRAIN_JOB_BYTES=1073741824
      export GRAIN_ADDRESS=head:7700
      exec >>/logs/w120000-"$GRAIN_JOB_ID".log 2>&1
      exec grain-worker --name w120000-"$GRAIN_JOB_ID"
      "
    `);
  });

  it("gets the lines that it reads, and the id from where it is told", () => {
    const directives = ["#MY -n {{name}} -q {{queue}}", "#MY {{ walltime }} {{cores}} {{memoryMiB}}"];
    const script = custom(settings({ directives, idVariable: "MY_ID" })).script(JOB);
    expect(script.split("\n").slice(0, 5)).toEqual([
      "#!/bin/bash",
      "#MY -n w120000 -q big",
      "#MY 1:00:00 4 1024",
      "export GRAIN_JOB_SYSTEM=custom",
      'export GRAIN_JOB_ID="${MY_ID}"',
    ]);
    const named = custom(settings({ directives: ["#MY -o {{log}}"] }));
    expect(named.script({ ...JOB, logFile: "/logs/one" })).toContain("#MY -o /logs/one\n");
    expect(named.script({ ...JOB, logFile: "/logs/one" })).not.toContain("exec >>");
    expect(() => named.script(JOB)).toThrow(/before the job's id is known/);
    expect(() => custom(settings({ directives: ["#MY {{nope}}"] })).script(JOB)).toThrow(
      /mention \{\{nope\}\}; there are \{\{name\}\}, /,
    );
  });

  it("gets jobs, and says their ids", async () => {
    const fakes = new Fakes().add("mysub", 'echo "12 submitted"').add("other", "");
    const provider = custom(settings());
    expect(await provider.submit({ ...JOB, extraArgs: ["-x"] }, 2)).toEqual(["12", "12"]);
    expect(fakes.calls("mysub")).toEqual(["-v -x", "-v -x"]);
    expect(fakes.stdin("mysub")).toBe(provider.script(JOB));
    fakes.add("mysub", 'echo "submitted as <j-12>"');
    expect(await custom(settings({ jobIdPattern: "<(.*)>" })).submit(JOB, 1)).toEqual(["j-12"]);
  });

  it.each([
    ["exit 3", /refused the job \(mysub, exit code 3\): it said nothing/],
    ["true", /refused the job \(mysub, exit code 0\): it said nothing/],
  ])("says what was wrong: %s", async (body, message) => {
    new Fakes().add("mysub", body);
    await expect(custom(settings()).submit(JOB, 1)).rejects.toThrow(message);
  });

  it("says how jobs stand", async () => {
    const fakes = new Fakes().add(
      "mystat",
      "printf 'ID STATE\\n1 Q too full\\n2 R\\n3 F\\n4 GONE\\n6 STRANGE\\n'",
    );
    expect(Object.fromEntries(await custom(settings()).status(["1", "2", "3", "4", "5"]))).toEqual({
      "1": { type: "queued", reason: "too full" },
      "2": { type: "running", host: "" },
      "3": { type: "failed", reason: "F" },
      "4": { type: "ended", reason: "GONE" },
      "5": { type: "unknown" },
    });
    expect(fakes.calls("mystat")).toEqual(["1 2 3 4 5"]);
  });

  it("cancels", async () => {
    const fakes = new Fakes().add("mydel", "");
    await custom(settings()).cancel(["1", "2"]);
    expect(fakes.calls("mydel")).toEqual(["1 2"]);
  });

  it("says which command is missing", async () => {
    const bare = custom(settings({ submit: undefined, status: undefined, cancel: [] }));
    await expect(bare.submit(JOB, 1)).rejects.toThrow("[system.custom] has no `submit` in grain.toml");
    await expect(bare.status(["1"])).rejects.toThrow("no `status`");
    await expect(bare.cancel(["1"])).rejects.toThrow("no `cancel`");
  });
});
