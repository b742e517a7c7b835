/** What must hold of the repository as a whole. */

import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VERSION } from "../proto/version.js";
import { ROOT } from "./kit/daemons.js";

const MOST_LINES = 400;

/** Files under version control, or about to be; paths in the repository. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((name) => name !== "" && existsSync(join(ROOT, name)) && statSync(join(ROOT, name)).isFile());

const text = (name: string) => readFileSync(join(ROOT, name), "utf8");

const manifest = JSON.parse(text("package.json")) as {
  version: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  scripts: Record<string, string>;
  bin: Record<string, string>;
  engines: { node: string };
};

function hasProtoc(): boolean {
  try {
    execFileSync("protoc", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("the package", () => {
  it("says one version everywhere", () => {
    expect(VERSION).toBe(manifest.version);
    expect(text("CHANGELOG.md")).toContain(`## ${manifest.version}`);
    expect(JSON.parse(text("package-lock.json"))).toMatchObject({ version: manifest.version });
  });

  it("has a source for each command", () => {
    for (const path of Object.values(manifest.bin)) {
      const source = path.replace(/^dist\//, "").replace(/\.js$/, ".ts");
      expect(text(source), source).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });

  it("says of each dependency its licence and what it is for", () => {
    const described = [...text("docs/dependencies.md").matchAll(/^\| `(\S+)` \| (\S+) \| .+ \| .+ \|$/gm)];
    const named = { ...manifest.dependencies, ...manifest.peerDependencies };
    expect(described.map(([, name]) => name).sort()).toEqual(Object.keys(named).sort());
    for (const [, name, licence] of described)
      expect(JSON.parse(text(`node_modules/${name}/package.json`)).license, name).toBe(licence);
  });

  it("runs nothing when it is installed", () => {
    const run = ["preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"];
    expect(Object.keys(manifest.scripts).filter((name) => run.includes(name))).toEqual([]);
  });

  it("names one oldest Node.js", () => {
    const oldest = /\d+\.\d+/.exec(manifest.engines.node)?.[0];
    for (const document of ["README.md", "CONTRIBUTING.md"])
      expect(text(document)).toContain(`${oldest} or newer`);
  });
});

describe("the sources", () => {
  it.skipIf(!hasProtoc())("of the wire are what grain.proto generates", () => {
    const copy = mkdtempSync(join(tmpdir(), "grain-test-"));
    try {
      for (const name of ["scripts/generate-proto.sh", "proto/grain.proto"]) {
        mkdirSync(join(copy, name, ".."), { recursive: true });
        cpSync(join(ROOT, name), join(copy, name));
      }
      symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
      execFileSync("sh", [join(copy, "scripts/generate-proto.sh")], { stdio: "pipe" });
      const withoutVersions = (source: string) => source.replace(/^\/\/ {3}proto\w* .*\n/gm, "");
      expect(withoutVersions(text("proto/grain.ts"))).toBe(
        withoutVersions(readFileSync(join(copy, "proto/grain.ts"), "utf8")),
      );
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it(`are files of at most ${MOST_LINES} lines`, () => {
    const long = files
      .filter((name) => /\.(ts|mjs|js|sh)$/.test(name) && name !== "proto/grain.ts")
      .map((name) => [name, text(name).split("\n").length - 1] as const)
      .filter(([, lines]) => lines > MOST_LINES);
    expect(long).toEqual([]);
  });

  it("name no place of this machine", () => {
    const places = [ROOT.replace(/\/$/, ""), homedir()].filter((place) => place.split("/").length > 2);
    const naming = files.filter((name) => {
      const source = readFileSync(join(ROOT, name), "latin1");
      return places.some((place) => source.includes(`${place}/`) || source.includes(`${place}"`));
    });
    expect(naming).toEqual([]);
  });
});
