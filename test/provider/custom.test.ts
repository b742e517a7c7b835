import { describe, expect, it } from "vitest";
import { custom } from "../../provider/custom.js";
import type { CustomSettings } from "../../provider/settings.js";
import { Fakes, JOB, settingsOf } from "./fakes.js";

const SYSTEM: CustomSettings = {
  submit: ["mysub", "-v"],
  status: ["mystat"],
  cancel: ["mydel"],
  queued: ["Q"],
  running: ["R"],
  failed: ["F"],
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
      export GRAIN_JOB_ID="\${GRAIN_JOB_ID:-$$}"
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

  it("gets the script that its template says", () => {
    const template =
      "#!/bin/sh\n#MY {{name}} {{queue}} {{walltime}}s {{cores}} {{ memory }}M {{log}} {{extra_args}}\n{{command}}\necho never";
    const script = custom(settings({ template })).script(JOB);
    expect(script).toMatch(
      /^#!\/bin\/sh\n#MY w120000 big 3600s 4 1024M \/logs\/w120000-\{\{JOB\}\}\.log 'a b'\nexport GRAIN_JOB_SYSTEM=custom\n/,
    );
    expect(script).toMatch(/exec grain-worker --name w120000-"\$GRAIN_JOB_ID"\necho never$/);
  });

  it.each([
    [{ template: "#!/bin/sh\n{{nope}} {{command}}" }, /mentions \{\{nope\}\}; there are \{\{name\}\}, /],
    [{ template: "#!/bin/sh\n" }, /has no \{\{command\}\}/],
  ])("refuses %j", (more, message) => {
    expect(() => custom(settings(more)).script(JOB)).toThrow(message);
  });

  it("gets jobs, and says their ids", async () => {
    const fakes = new Fakes().add("mysub", 'echo "12 submitted"').add("other", "");
    const provider = custom(settings());
    expect(await provider.submit({ ...JOB, extraArgs: ["-x"] }, 2)).toEqual(["12", "12"]);
    expect(fakes.calls("mysub")).toEqual(["-v -x", "-v -x"]);
    expect(fakes.stdin("mysub")).toBe(provider.script(JOB));
    fakes.add("mysub", 'echo "submitted as <j-12>"');
    expect(await custom(settings({ jobId: /<(.*)>/ })).submit(JOB, 1)).toEqual(["j-12"]);
  });

  it.each([
    ["exit 3", /refused the job \(mysub, exit code 3\): it said nothing/],
    ["true", /refused the job \(mysub, exit code 0\): it said nothing/],
  ])("says what was wrong: %s", async (body, message) => {
    new Fakes().add("mysub", body);
    await expect(custom(settings()).submit(JOB, 1)).rejects.toThrow(message);
  });

  it("says how jobs stand", async () => {
    const fakes = new Fakes().add("mystat", "printf 'ID STATE\\n1 Q\\n2 R\\n3 F\\n4 GONE\\n'");
    expect(Object.fromEntries(await custom(settings()).status(["1", "2", "3", "4", "5"]))).toEqual({
      "1": { type: "queued", reason: "" },
      "2": { type: "running", host: "" },
      "3": { type: "failed", reason: "F" },
      "4": { type: "ended", reason: "GONE" },
      "5": { type: "unknown" },
    });
    expect(fakes.calls("mystat")).toEqual(["1 2 3 4 5"]);
    fakes.add("mystat", "echo 'job=7 is=R'");
    expect(await custom(settings({ jobState: /job=(\S+) is=(\S+)/ })).status(["7"])).toEqual(
      new Map([["7", { type: "running", host: "" }]]),
    );
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
