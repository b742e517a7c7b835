/** Wrong input to real commands: one line that says what was wrong with what, and the right exit code. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { afterAll, describe, expect, it } from "vitest";
import {
  type ClientBatch,
  type HeadToClient,
  type HeadToClientBatch,
  type HeadToWorker,
  type HeadToWorkerBatch,
  Refused_Code,
  type WorkerBatch,
} from "../../proto/grain.js";
import { connectClient, connectWorker } from "../../proto/link/grpc/connect.js";
import { schedulingService } from "../../proto/link/grpc/services.js";
import { streamLink } from "../../proto/link/grpc/stream.js";
import type { Connection } from "../../proto/link/link.js";
import { hello, PROTOCOL, VERSION } from "../../proto/version.js";
import { type Running, Stage } from "../kit/daemons.js";

const stage = new Stage();
afterAll(() => stage.close());

type Command = "grain" | "grain-head" | "grain-worker";

/** Expects a command to end with one line for a person, on standard error. */
async function expectLine(running: Running, command: Command, code: number, line: RegExp): Promise<void> {
  const end = await running.ended;
  expect(running.stderr).toMatch(line);
  expect(running.stderr.startsWith(`${command}: `), running.stderr).toBe(true);
  expect(running.stderr.trimEnd().split("\n"), running.stderr).toHaveLength(1);
  expect(running.stderr).not.toMatch(/^\s+at |node_modules|\[object |undefined/m);
  expect(running.stdout).toBe("");
  expect(end).toEqual({ code, signal: null });
}

/** A file that is none of the things it is taken for. */
const file = join(stage.directory, "plain-file");
writeFileSync(file, "untouched");
const directory = join(stage.directory, "directory");
mkdirSync(directory);

const BAD_USAGE = 2;
const FAILURE = 1;

describe("grain-head refuses", () => {
  it.concurrent.each<[string[], RegExp]>([
    [["--listen", "nonsense"], /--listen.*"nonsense" is not an address.*host:port/],
    [["--listen"], /--listen <address>.*missing; expected: host:port, unix.*edge/],
    [["--listen", "http://localhost:1"], /--listen.*unknown scheme.*host:port/],
    [["--listen", "127.0.0.1:65536"], /--listen.*65536.*up to 65535/],
    [["--listen", "unix:relative.sock"], /--listen.*absolute path.*unix:\/\/\/run/],
    [["--listen", `unix:///${"x".repeat(120)}`], /--listen.*107 bytes.*shorter/],
    [
      ["--insecure", "--listen", "0.0.0.0:0"],
      /0\.0\.0\.0:0.*other machines.*leave out --insecure.*--yes-really/,
    ],
    [["--insecure", "--listen", "[::]:0"], /\[::\]:0.*other machines/],
    [["--insecure", "--listen", "192.0.2.1:7700"], /192\.0\.2\.1:7700.*other machines/],
    [
      ["--insecure", "--listen", "127.0.0.1:0", "--listen", "example.org:0"],
      /example\.org:0.*other machines/,
    ],
    [["--listen", `unix://${file}`], /plain-file.*not a socket.*another path/],
    [["--listen", `unix://${directory}`], /directory.*not a socket.*another path/],
    [
      ["--listen", "unix:///no/such/x.sock"],
      /directory \/no\/such of the socket.*not exist: make it \(mkdir -p/,
    ],
    [["--listen", `unix://${file}/x.sock`], /plain-file.*socket.*is not a directory; choose another path/],
    [["--tls-cert", "head.crt"], /--tls-cert, --tls-key and --tls-ca belong together/],
    [["--max-clients", "0"], /--max-clients.*'0'.*whole number from 1/],
    [["--max-clients", "-1"], /--max-clients.*'-1'.*whole number from 1/],
    [["--max-clients", "2.5"], /--max-clients.*'2\.5'.*whole number from 1/],
    [["--max-clients", "many"], /--max-clients.*'many'.*whole number from 1/],
    [["--max-clients"], /--max-clients <number>.*missing; expected: clients/],
    [["--idle-quit", "soon"], /--idle-quit.*"soon" is not a duration.*30m/],
    [["--idle-quit", "-5"], /--idle-quit.*"-5" is not a duration.*30m/],
    [["--idle-quit"], /--idle-quit <duration>.*missing/],
    [["--log-file", directory], /log file \S+directory.*--log-file/],
    [["--log-file", `${file}/log`], /log file \S+plain-file\/log.*--log-file/],
    [["--log-file"], /--log-file <file>.*missing/],
    [["--max-client", "3"], /unknown option '--max-client'.*Did you mean --max-clients/],
    [["--frobnicate"], /unknown option '--frobnicate'/],
    [["extra"], /too many arguments: "extra" is not expected, only options are/],
  ])("%j", async (args, line) => {
    await expectLine(stage.start("grain-head", args), "grain-head", BAD_USAGE, line);
  });
});

describe("grain-worker refuses", () => {
  const address = ["--address", "127.0.0.1:1"];
  it.concurrent.each<[string[], RegExp]>([
    [[], /No head is named.*--address host:7700.*GRAIN_ADDRESS/],
    [["--address", "nonsense"], /--address: "nonsense" is not an address.*host:port/],
    [["--address", ""], /--address: "" is not an address.*host:port/],
    [["--address", "ftp://x:1"], /--address: .*"ftp:\/\/x:1" has an unknown scheme.*host:port/],
    [["--address"], /--address <address>.*missing/],
    [[...address, "--cpus", "many"], /--cpus: "many".*number such as 4.*"0-3,8"/],
    [[...address, "--cpus", "-1"], /--cpus: "-1".*number such as 4/],
    [[...address, "--cpus", "1.5"], /--cpus: 1\.5 is not a whole number/],
    [[...address, "--cpus", "1000000"], /--cpus: 1000000 is more than 65536/],
    [[...address, "--cpus", "3-1"], /--cpus: the range 3-1 runs backwards; write 1-3/],
    [[...address, "--cpus", "0,0"], /--cpus: id 0 is given twice/],
    [[...address, "--cpus"], /--cpus <n>.*missing; expected: how many cores to offer, or which/],
    [[...address, "--cpus", "0", "--mem", "0", "--gpus", "0"], /would offer nothing.*--cpus, --mem/],
    [[...address, "--mem", "lots"], /--mem: "lots" is not a size of memory.*"16G"/],
    [[...address, "--mem", "-1G"], /--mem: "-1G" is not a size of memory.*"16G"/],
    [[...address, "--mem"], /--mem <size>.*missing/],
    [[...address, "--gpus", "some"], /--gpus: "some".*number such as 4/],
    [[...address, "--gpus", "0.5"], /--gpus: 0\.5 is not a whole number/],
    [[...address, "--gpus"], /--gpus <n>.*missing/],
    [[...address, "--res", "{bad"], /--res: "\{bad" is not JSON.*write e\.g\./],
    [[...address, "--res", "[1]"], /--res: \[1\] is not an object.*write e\.g\./],
    [[...address, "--res", '{"cores":-1}'], /--res: cores: -1 is not a whole number/],
    [[...address, "--res", '{"toke":"x"}'], /--res: toke: there is no such resource.*did you mean "token"/],
    [[...address, "--res", '{"capacity":0.5}'], /--res: capacity: 0\.5 is not a whole number/],
    [[...address, "--res", '{"licenses":"x"}'], /--res: licenses: "x" is not a number; give one such as 2/],
    [[...address, "--res"], /--res <json>.*missing/],
    [[...address, "--walltime", "never"], /--walltime: "never" is not a duration.*"1:30:00"/],
    [[...address, "--walltime", "-1"], /--walltime: "-1" is not a duration/],
    [[...address, "--walltime", "0"], /--walltime: "0" leaves no time to run/],
    [[...address, "--walltime"], /--walltime <time>.*missing/],
    [[...address, "--name="], /--name: "" cannot name a worker; give 1 to 100 printable/],
    [[...address, "--name", "a\nb"], /--name: "a\\nb" cannot name/],
    [[...address, "--name", " a"], /--name: " a" cannot name.*without blanks at the ends/],
    [[...address, "--name", "a\u001b[31m"], /--name: "a\\u001b\[31m" cannot name/],
    [[...address, "--name", "x".repeat(101)], /--name: "x+" cannot name.*1 to 100/],
    [[...address, "--name"], /--name <name>.*missing/],
    [[...address, "--import", "/no/such/tasks.js"], /--import: there is no file \/no\/such\/tasks\.js/],
    [[...address, "--import"], /--import <file>.*missing/],
    [[...address, "--log-file", directory], /log file \S+directory cannot be written.*--log-file/],
    [[...address, "--log-file", `${file}/log`], /log file \S+plain-file\/log cannot be written/],
    [[...address, "--log-file", join(directory, "none/log")], /none\/log cannot be written/],
    [[...address, "--log-file"], /--log-file <file>.*missing/],
    [[...address, "--cpu", "3"], /unknown option '--cpu'.*Did you mean --cpus/],
    [[...address, "--frobnicate"], /unknown option '--frobnicate'/],
    [[...address, "extra"], /too many arguments: "extra" is not expected, only options are/],
  ])("%j", async (args, line) => {
    await expectLine(stage.start("grain-worker", args), "grain-worker", BAD_USAGE, line);
  });

  it("GRAIN_ADDRESS that is no address", async () => {
    const worker = stage.start("grain-worker", [], { GRAIN_ADDRESS: "nonsense" });
    await expectLine(worker, "grain-worker", BAD_USAGE, /GRAIN_ADDRESS.*"nonsense" is not an address/);
  });
});

describe("grain refuses", () => {
  it.concurrent.each<[string[], number, RegExp]>([
    [["run", "missing.ts"], BAD_USAGE, /missing\.ts cannot be run: there is no such file/],
    [["run", directory], BAD_USAGE, /directory cannot be run: it is not a file/],
    [["run"], BAD_USAGE, /missing required argument 'file'; expected grain run .*<file>/],
    [[], BAD_USAGE, /no command is given; expected run or ls/],
    [["ls", "extra"], BAD_USAGE, /too many arguments: "extra" is not expected/],
    [["ls", "--address"], BAD_USAGE, /--address <address>.*missing; expected: the head/],
    [["frobnicate"], BAD_USAGE, /unknown command 'frobnicate'; expected run or ls/],
    [["run", "-c", "none.toml", file], BAD_USAGE, /none\.toml/],
    [["ls"], BAD_USAGE, /No head is named.*--address.*GRAIN_ADDRESS.*grain\.toml/],
    [["ls", "--address", "nonsense"], BAD_USAGE, /"nonsense" is not an address.*host:port/],
    [["ls", "-c", "none.toml"], BAD_USAGE, /none\.toml cannot be read/],
    [["ls", "--frobnicate"], BAD_USAGE, /unknown option '--frobnicate'/],
    [["ls", "--address", "127.0.0.1:1"], FAILURE, /No head answered at 127\.0\.0\.1:1.*grain-head --listen/],
  ])("%j", async (args, code, line) => {
    await expectLine(stage.start("grain", args), "grain", code, line);
  });
});

describe("an address", () => {
  it("in use ends the second head with one line", async () => {
    const { address } = await stage.head();
    const second = stage.start("grain-head", ["--listen", address]);
    await expectLine(second, "grain-head", FAILURE, /is in use.*--listen/);
  });

  it("in use as a socket ends the second head, and the first goes on", async () => {
    const socket = `unix://${stage.directory}/head.sock`;
    const first = stage.start("grain-head", ["--listen", socket]);
    await first.until(/listening on/);
    const second = stage.start("grain-head", ["--listen", socket]);
    await expectLine(second, "grain-head", FAILURE, /head\.sock is in use/);
    await stage.worker(socket, ["--cpus", "1"]);
  });
});

describe("a worker", () => {
  it("with the name of a connected one ends with one line", async () => {
    const { address } = await stage.head();
    await stage.worker(address, ["--name", "twin", "--cpus", "1"]);
    const second = stage.start("grain-worker", ["--address", address, "--name", "twin", "--cpus", "1"]);
    expect(await second.ended).toEqual({ code: FAILURE, signal: null });
    expect(second.stderr.trimEnd().split("\n").at(-1)).toMatch(
      /^grain-worker: .*"twin" is connected already.*another --name/,
    );
  });

  it("without a head says so, and leaves when told to", async () => {
    const worker = stage.start("grain-worker", ["--address", "127.0.0.1:1", "--cpus", "1"]);
    await worker.until(/No head answers at 127\.0\.0\.1:1 yet; still trying/);
    worker.kill();
    expect(await worker.ended).toEqual({ code: 0, signal: null });
  });
});

const PROGRAM = `
import { cores, delayed, run } from "grain-scheduler";
const one = delayed(function one() { return 1; });
try {
  console.log(await run(async () => one.with(cores(1))()));
} catch (error) {
  console.log((error as Error).name + ": " + (error as Error).message);
}
`;

describe("a program", () => {
  it("without its head says that it tries, then fails with what to do", async () => {
    const { stdout, stderr, code } = await stage.play(stage.program("unreachable.ts", PROGRAM), {
      GRAIN_ADDRESS: "127.0.0.1:1",
      GRAIN_CONNECT_TIMEOUT: "6",
    });
    expect(stderr).toMatch(/^grain: No head answers at 127\.0\.0\.1:1 yet; still trying for \d s\.\n$/);
    expect(stdout).toMatch(
      /^ConnectionError: No head answered at 127\.0\.0\.1:1 within 6 s\. Start one with "grain-head --listen/,
    );
    expect(code).toBe(0);
  });

  it("with no patience reaches a head that is there, and says at once that another is not", async () => {
    const { address } = await stage.head();
    await stage.worker(address, ["--cpus", "1"]);
    const file = stage.program("patience.ts", PROGRAM);
    const env = { GRAIN_CONNECT_TIMEOUT: "0" };
    expect(await stage.play(file, { ...env, GRAIN_ADDRESS: address })).toMatchObject({
      stdout: "1\n",
      stderr: "",
    });
    expect((await stage.play(file, { ...env, GRAIN_ADDRESS: "127.0.0.1:1" })).stdout).toMatch(
      /^ConnectionError: No head answered at 127\.0\.0\.1:1 within 1 s\./,
    );
  });

  it("whose head shuts down is told so, and what is lost", async () => {
    const { head, address } = await stage.head();
    await stage.worker(address, ["--cpus", "1"]);
    const source = `
import { cores, currentTask, delayed, each, run } from "grain-scheduler";
const wait = delayed(async function wait(n: number) { console.log("waiting"); await new Promise(() => setInterval(() => {}, 1000)); });
try {
  await run(async () => { await each(wait.with(cores(1)).map([1, 2, 3])); });
} catch (error) {
  console.log((error as Error).name + ": " + (error as Error).message);
}
`;
    const file = stage.program("shutdown.ts", source);
    const program = stage.run(["--import", "tsx", file], { GRAIN_ADDRESS: address }, stage.project);
    await program.until(/waiting/);
    head.kill();
    await program.ended;
    expect(program.stdout).toContain(
      `ConnectionError: The head at ${address} ended (shutting down: got SIGTERM), and 3 unfinished calls are lost with it. Start it again`,
    );
  });

  it.each<[Record<string, string>, RegExp]>([
    ...["soon", "-1", " "].map((text): [Record<string, string>, RegExp] => [
      { GRAIN_ADDRESS: "127.0.0.1:1", GRAIN_CONNECT_TIMEOUT: text },
      new RegExp(`GRAIN_CONNECT_TIMEOUT.*seconds, 0 or more.*"${text}"`),
    ]),
    [{ GRAIN_ADDRESS: "nonsense" }, /GRAIN_ADDRESS.*"nonsense" is not an address.*host:port/],
    [
      { GRAIN_CONFIG: "/no/such/grain.toml" },
      /\/no\/such\/grain\.toml \(named by GRAIN_CONFIG\) cannot be read/,
    ],
  ])("with %j in its environment fails with what is wrong", async (env, message) => {
    const { stdout } = await stage.play(stage.program("environment.ts", PROGRAM), env);
    expect(stdout).toMatch(/^ConfigError: /);
    expect(stdout).toMatch(message);
  });

  it("that throws shows its own file and line", async () => {
    const program = stage.program("throws.ts", '\nthrow new TypeError("of the program itself");\n');
    const running = stage.start("grain", ["run", program]);
    expect((await running.ended).code).toBe(FAILURE);
    expect(running.stderr).toMatch(/throws\.ts:2/);
    expect(running.stderr).toMatch(/TypeError: of the program itself/);
  });
});

describe("versions that do not match", () => {
  const THEIRS = 99;

  /** What the real head answers to a handshake. */
  function answer<Out, In>(connection: Connection<Out, In>, greeting: Out): Promise<In> {
    return new Promise((resolve, reject) => {
      connection.link.receive({
        messages: (batch) => resolve(batch[0]!),
        ended: (end) => reject(new Error(`the link ended first: ${end.type}`)),
      });
      connection.link.send(greeting);
      connection.link.flush();
    });
  }

  it.each([
    [THEIRS, /Upgrade the head/],
    [0, /Upgrade the (client|worker)/],
  ])(
    "are refused by the head (protocol %i), which names both and who must upgrade",
    async (protocol, upgrade) => {
      const { address } = await stage.head();
      const greeting = { ...hello(), protocol, version: "9.9.9" };
      const client = await connectClient(address, { giveUpMs: 30_000 });
      const worker = await connectWorker(address, { giveUpMs: 30_000 });
      const pool = { cores: [0], gpus: [], memoryBytes: 1, others: [], tokens: [], numa: [] };
      const answers = [
        await answer(client, {
          body: {
            $case: "open",
            open: {
              hello: greeting,
              name: "raw",
              prioritized: false,
              priority: 0,
              outputs: false,
              counts: false,
            },
          },
        }),
        await answer(worker, {
          body: { $case: "join", join: { hello: greeting, name: "raw", pool, imports: [], resume: false } },
        }),
      ];
      await Promise.all([client.close(), worker.close()]);
      for (const { body } of answers) {
        if (body?.$case !== "refused") throw new Error(`the head answered ${body?.$case}`);
        const { code, message } = body.refused;
        expect(code).toBe(Refused_Code.PROTOCOL);
        for (const part of [`protocol ${protocol}`, "9.9.9", `protocol ${PROTOCOL}`, VERSION])
          expect(message).toContain(part);
        expect(message).toMatch(upgrade);
      }
    },
  );

  /** A head of another version: refuses whoever comes. */
  async function otherHead(): Promise<{ address: string; server: Server }> {
    const refused = {
      $case: "refused" as const,
      refused: {
        code: Refused_Code.PROTOCOL,
        message: "The head speaks another protocol. Upgrade this side.",
        protocol: THEIRS,
        version: "9.9.9",
      },
    };
    const server = new Server();
    server.addService(schedulingService, {
      session(call: ServerDuplexStream<ClientBatch, HeadToClientBatch>) {
        const link = streamLink(call, {
          pack: (messages: HeadToClient[]) => ({ messages }),
          unpack: (batch: ClientBatch) => batch.messages,
        });
        link.receive({ messages: () => link.send({ body: refused }), ended: () => link.close() });
      },
      work(call: ServerDuplexStream<WorkerBatch, HeadToWorkerBatch>) {
        const link = streamLink(call, {
          pack: (messages: HeadToWorker[]) => ({ messages }),
          unpack: (batch: WorkerBatch) => batch.messages,
        });
        link.receive({ messages: () => link.send({ body: refused }), ended: () => link.close() });
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return { address: `127.0.0.1:${port}`, server };
  }

  it("end a program and a worker with what the head said", async () => {
    const { address, server } = await otherHead();
    try {
      const { stdout } = await stage.play(stage.program("versions.ts", PROGRAM), {
        GRAIN_ADDRESS: address,
        GRAIN_INSECURE: "1",
      });
      expect(stdout).toMatch(/^ConnectionError: .*refused.*Upgrade this side/);
      for (const part of [`protocol ${PROTOCOL}`, VERSION, `protocol ${THEIRS}`, "9.9.9"])
        expect(stdout).toContain(part);
      const worker = stage.start("grain-worker", ["--address", address, "--cpus", "1", "--insecure"]);
      expect(await worker.ended).toEqual({ code: FAILURE, signal: null });
      expect(worker.stderr).toMatch(/^grain-worker: .*Upgrade this side/m);
    } finally {
      server.forceShutdown();
    }
  });
});
