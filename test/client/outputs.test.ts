import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outputs } from "../../client/outputs.js";

function setUp() {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const outputs = new Outputs({
    stdout: (text) => void stdout.push(text),
    stderr: (text) => void stderr.push(text),
  });
  const write = (
    text: string | Uint8Array,
    given: { task?: number; stderr?: boolean; worker?: string; name?: string | undefined } = {},
  ) => {
    const { task = 12, worker = "w1" } = given;
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    const name = "name" in given ? given.name : "energy";
    outputs.write({ session: 0, task, stderr: given.stderr ?? false, text: bytes, worker }, name);
  };
  return { outputs, write, stdout, stderr };
}

describe("what tasks print", () => {
  it("appears line by line, with its task and worker, on its own stream", () => {
    const { write, stdout, stderr } = setUp();
    write("one\ntwo\nth");
    write("ree\n");
    write("oops\r\n", { stderr: true });
    expect(stdout.join("")).toBe("[energy#12 w1] one\n[energy#12 w1] two\n[energy#12 w1] three\n");
    expect(stderr.join("")).toBe("[energy#12 w1] oops\n");
  });

  it("keeps tasks apart and prints the rest at a task's end", () => {
    const { outputs, write, stdout } = setUp();
    write("a", { task: 1 });
    write("b", { task: 2 });
    write("a\n", { task: 1 });
    outputs.ended(2);
    outputs.ended(2);
    outputs.ended(1);
    expect(stdout).toEqual(["[energy#1 w1] aa\n", "[energy#2 w1] b\n"]);
    write("left", { task: 3 });
    outputs.flush();
    expect(stdout.at(-1)).toBe("[energy#3 w1] left\n");
  });

  it("tells a repeated task's workers apart", () => {
    const { write, stdout } = setUp();
    write("half");
    write("again\n", { worker: "w2" });
    expect(stdout).toEqual(["[energy#12 w1] half\n", "[energy#12 w2] again\n"]);
  });

  it("prints what a loading module says, and what comes after a task's end", () => {
    const { write, stdout } = setUp();
    write("loading\n", { task: 0, name: undefined });
    write("late", { task: 5, name: undefined });
    expect(stdout).toEqual(["[w1] loading\n", "[task#5 w1] late\n"]);
  });

  it("prints an endless line in pieces", () => {
    const { write, stdout } = setUp();
    write("x".repeat(70_000));
    expect(stdout[0]!.length).toBeGreaterThan(70_000);
  });

  it("prints what the head says", () => {
    const { outputs, stderr } = setUp();
    outputs.notice({ text: "fits no worker", warning: true });
    outputs.notice({ text: "hello", warning: false });
    expect(stderr).toEqual(["grain: warning: fits no worker\n", "grain: hello\n"]);
  });

  it("is the same text however it was cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "é", "\n", "😀", "日本")),
        fc.array(fc.nat(12)),
        (chars, cuts) => {
          const { outputs, write, stdout } = setUp();
          const text = chars.join("");
          const bytes = Buffer.from(text);
          let at = 0;
          for (const cut of cuts) {
            write(bytes.subarray(at, at + cut));
            at = Math.min(bytes.length, at + cut);
          }
          write(bytes.subarray(at));
          outputs.ended(12);
          const printed = stdout.join("").replaceAll("[energy#12 w1] ", "");
          expect(printed).toBe(text === "" || text.endsWith("\n") ? text : `${text}\n`);
        },
      ),
    );
  });
});
