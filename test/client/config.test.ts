import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseHead, type HeadOptions, headIn } from "../../client/config.js";
import { ConfigError } from "../../proto/errors.js";

let cwd: string;
let empty: string;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "grain-config-"));
  empty = await mkdtemp(join(tmpdir(), "grain-config-"));
  await writeFile(
    join(cwd, "grain.toml"),
    'system = "slurm"\naddress = "default:1"\n[head]\nname = "x"\n[unknown]\ny = 1\n',
  );
  await writeFile(join(cwd, "other.toml"), 'address = "other:2"\n');
  await writeFile(join(cwd, "none.toml"), "[worker]\naddress = 3\n");
});

afterAll(async () => {
  await rm(cwd, { recursive: true });
  await rm(empty, { recursive: true });
});

const local = { cores: 2 };
const at = (address: string) => ({ type: "address", address });
const embedded = { type: "embedded", local: undefined };

describe("which head", () => {
  it.each<[string, HeadOptions, Record<string, string>, unknown]>([
    [
      "local goes before all",
      { local, address: "a:1" },
      { GRAIN_ADDRESS: "e:1" },
      { type: "embedded", local },
    ],
    ["address before the variable", { address: "a:1" }, { GRAIN_ADDRESS: "e:1" }, at("a:1")],
    ["the variable before the configuration", {}, { GRAIN_ADDRESS: "e:1" }, at("e:1")],
    ["an empty variable is none", {}, { GRAIN_ADDRESS: "", GRAIN_CONFIG: "" }, at("default:1")],
    ["grain.toml here", {}, {}, at("default:1")],
    ["GRAIN_CONFIG before grain.toml", {}, { GRAIN_CONFIG: "other.toml" }, at("other:2")],
    [
      "configFile before GRAIN_CONFIG",
      { configFile: "other.toml" },
      { GRAIN_CONFIG: "absent.toml" },
      at("other:2"),
    ],
    ["no configuration", { configFile: false }, { GRAIN_CONFIG: "other.toml" }, embedded],
    ["a configuration without address", { configFile: "none.toml" }, {}, embedded],
  ])("%s", async (_, options, env, choice) => {
    expect(await chooseHead(options, { env, cwd })).toEqual(choice);
  });

  it("is embedded where nothing is configured", async () => {
    expect(await chooseHead({}, { env: {}, cwd: empty })).toEqual(embedded);
  });

  it.each<[HeadOptions, Record<string, string>, RegExp]>([
    [{ address: "nowhere" }, {}, /The option address is wrong: .*nowhere/],
    [{}, { GRAIN_ADDRESS: "a:99999" }, /The variable GRAIN_ADDRESS is wrong: .*99999/],
    [{ configFile: "absent.toml" }, {}, /absent\.toml cannot be read/],
    [{}, { GRAIN_CONFIG: "absent.toml" }, /absent\.toml \(named by GRAIN_CONFIG\) cannot be read/],
  ])("refuses %j %j", async (options, env, message) => {
    const choosing = chooseHead(options, { env, cwd });
    await expect(choosing).rejects.toThrow(ConfigError);
    await expect(choosing).rejects.toThrow(message);
  });
});

describe("a configuration", () => {
  it.each([
    ["", undefined],
    ['address = ""', undefined],
    ['address = "unix:///run/grain.sock"', "unix:///run/grain.sock"],
  ])("%j gives %j", async (text, address) => {
    expect((await headIn({ text, file: "grain.toml" })).address).toBe(address);
  });

  it("may name another address for commands, and says where credentials are", async () => {
    const text = 'address = "a:1"\naccess = "keys"\n[worker]\ncli_dial = "b:2"\n';
    const file = "/site/grain.toml";
    expect(await headIn({ text, file })).toEqual({ address: "a:1", access: "/site/keys" });
    expect(await headIn({ text, file }, true)).toEqual({ address: "b:2", access: "/site/keys" });
  });

  it.each([
    ["a = 1\nb = = 2", 2, /^grain\.toml:2:\d+: ./],
    ["# hi\naddress = 3", 2, /^grain\.toml:2: address must be a text/],
    ['\n\naddress = "x y"', 3, /^grain\.toml:3: .*x y/],
    ["[address]\nhost = 1", 1, /^grain\.toml:1: address must be a text/],
    [
      'adress = "a:1"',
      1,
      /^grain\.toml:1: there is no adress at the top of the file; did you mean address\?$/,
    ],
  ])("is refused with its line: %j", async (text, line, message) => {
    const error = await headIn({ text, file: "grain.toml" }).catch((caught) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ file: "grain.toml", line });
    expect(error.message).toMatch(message);
  });
});
