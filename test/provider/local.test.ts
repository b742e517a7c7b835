import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { local } from "../../provider/local.js";
import { JOB, settingsOf } from "./fakes.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-local-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const job = () => ({
  ...JOB,
  logFile: join(directory, "{{JOB}}.log"),
  command: ["sh", "-c", 'trap "exit 0" TERM; echo "working as $0"; while :; do sleep 0.05; done', "{{JOB}}"],
});

describe("on this machine", () => {
  it("daemons are started, seen, and ended", async () => {
    const provider = local(settingsOf("local", { cores: 1 }));
    const ids = await provider.submit(job(), 2);
    const log = (id: string) => join(directory, `${id}.log`);
    for (const id of ids) {
      await until(() => existsSync(log(id)) && readFileSync(log(id), "utf8") !== "");
      expect(readFileSync(log(id), "utf8")).toBe(`working as ${id}\n`);
    }
    // The pid alone may be another's by now.
    const [pid = ""] = ids[0]!.split(".");
    expect([...(await provider.status([...ids, `${pid}.1`])).values()].map(({ type }) => type)).toEqual([
      "running",
      "running",
      "ended",
    ]);
    await provider.cancel([`${pid}.1`]);
    expect((await provider.status(ids)).get(ids[0]!)).toEqual({ type: "running", host: "" });
    await provider.cancel(ids);
    await until(async () => [...(await provider.status(ids)).values()].every(({ type }) => type === "ended"));
  });

  it("several workers need to be told their share", async () => {
    await expect(local(settingsOf("local")).submit(job(), 2)).rejects.toThrow(/set `cores` in \[script\]/);
    await expect(local(settingsOf("local")).submit({ ...job(), extraArgs: ["--x"] }, 1)).rejects.toThrow(
      /no submit command .* --x/,
    );
  });

  it("a shell that is not there is told", async () => {
    await expect(local(settingsOf("local", { shebang: "#!/no/such/sh" })).submit(job(), 1)).rejects.toThrow(
      /\/no\/such\/sh, the shebang's shell, cannot be run/,
    );
  });
});
