/** What jobs of workers are, by a configuration. */

import { describe, expect, it } from "vitest";
import { toConfig } from "../../proto/config/config.js";
import { readText } from "../../proto/config/load.js";
import { headSettings, workerSettings } from "../../provider/from-config.js";

const configOf = async (text: string) => toConfig("/site/g", await readText({ text, file: "/site/g" }));
const access = { place: "/home/ada/.config/grain/access", insecure: "no" } as const;

describe("pods of workers", () => {
  const POD = 'system = "kubernetes"\naddress = "grain-head:7700"\n';

  it("name nothing of this machine", async () => {
    const settings = workerSettings(await configOf(`${POD}[worker]\nlog_file = "w.log"\ngrace = "20s"\n`), {
      access,
    });
    expect(settings.workerCommand).toEqual([
      ...["grain-worker", "--name", "{{JOB}}", "--address", "grain-head:7700", "--grace", "20"],
    ]);
    expect(settings.kubernetes).toMatchObject({ accessSecret: "grain-worker", taskGraceMs: 20_000 });
    expect(settings.kubernetes!.graceMs).toBeUndefined();
  });

  it("get what is set, and no credential where none is used", async () => {
    const text = `${POD}[worker]\ncmd = "/opt/worker"\n[kubernetes]\ngrace = "2m"\naccess_secret = "mine"\n`;
    const config = await configOf(text);
    expect(workerSettings(config, { access }).kubernetes).toMatchObject({
      accessSecret: "mine",
      graceMs: 120_000,
    });
    const open = workerSettings(config, { access: { place: "/x", insecure: "anywhere" } });
    expect(open.kubernetes!.accessSecret).toBeUndefined();
    expect(open.workerCommand.slice(0, 1)).toEqual(["/opt/worker"]);
    expect(open.workerCommand).toEqual(expect.arrayContaining(["--insecure", "--yes-really"]));
    expect(open.workerCommand).not.toContain("--access");
  });

  it("do not make a head, which is a StatefulSet", async () => {
    const config = await configOf(POD);
    expect(() => headSettings(config, { access }, false)).toThrow(
      /StatefulSet: apply .* or start one .*--local/,
    );
    expect(headSettings(config, { access }, true).system).toBe("local");
  });
});

describe("jobs of workers", () => {
  it("find the files of this machine", async () => {
    const { workerCommand } = workerSettings(await configOf('system = "slurm"\naddress = "login:7700"\n'), {
      access,
    });
    expect(workerCommand.slice(2)).toEqual([
      ...["--name", "{{NAME}}-{{JOB}}", "--address", "login:7700"],
      ...["--access", access.place, "--config", "/site/g"],
    ]);
  });
});
