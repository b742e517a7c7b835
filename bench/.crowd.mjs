// proto/link/reopen.ts
var FIRST_PAUSE_MS = 100;
var LONGEST_PAUSE_MS = 5e3;
var LEAST_PART = 0.5;
async function persist(attempt2, { giveUpMs, signal }, random = Math.random) {
  const untilMs = performance.now() + giveUpMs;
  let pauseMs = FIRST_PAUSE_MS;
  let reason = "there was no time to try";
  while (!signal.aborted) {
    const tried = await attempt2();
    if (tried.type !== "failed") return tried;
    reason = tried.reason;
    const waitMs = pauseMs * (LEAST_PART + (1 - LEAST_PART) * random());
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) break;
    await pause(Math.min(waitMs, leftMs), signal);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
  return { type: "gaveUp", reason };
}
function pause(ms, signal) {
  return new Promise((resolve2) => {
    const end = () => {
      clearTimeout(timer2);
      signal.removeEventListener("abort", end);
      resolve2();
    };
    const timer2 = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  });
}

// proto/link/persistent-blobs.ts
var PersistentBlobs = class {
  #blobs;
  #giveUpMs;
  #closed = new AbortController();
  /** @param giveUpMs for how long after the first failure */
  constructor(blobs, giveUpMs) {
    this.#blobs = blobs;
    this.#giveUpMs = giveUpMs;
  }
  get files() {
    return this.#blobs.files;
  }
  async share() {
    return this.#blobs.share?.();
  }
  missing(hashes) {
    return this.#persist(() => this.#blobs.missing(hashes));
  }
  put(ref, parts) {
    return this.#persist(() => this.#blobs.put(ref, parts));
  }
  get(ref) {
    return this.#persist(() => this.#blobs.get(ref));
  }
  close() {
    this.#closed.abort();
    this.#blobs.close();
  }
  async #persist(work) {
    try {
      return await work();
    } catch (error) {
      if (this.#closed.signal.aborted || !this.#blobs.wasCutOff(error)) throw error;
      return await this.#again(work, error);
    }
  }
  async #again(work, first) {
    let last = first;
    const { signal } = this.#closed;
    const outcome = await persist(
      async () => {
        try {
          return { type: "done", value: await work() };
        } catch (error) {
          last = error;
          if (!this.#blobs.wasCutOff(error)) return { type: "over", error: last };
          return { type: "failed", reason: last.message };
        }
      },
      { giveUpMs: this.#giveUpMs, signal }
    );
    if (outcome.type === "done") return outcome.value;
    throw last;
  }
};

// proto/link/grpc/blobs.ts
import { once } from "node:events";
import {
  Client,
  status
} from "@grpc/grpc-js";

// proto/errors.ts
var GrainError = class extends Error {
  constructor(message, details = {}) {
    const { cause, ...fields } = details;
    super(message, cause === void 0 ? void 0 : { cause });
    for (const [key, value] of Object.entries(fields)) {
      if (value !== void 0)
        Object.defineProperty(this, key, { value, enumerable: true, configurable: true });
    }
  }
};
var ErrorOfTask = class extends GrainError {
  constructor(message, details = {}) {
    super(message, details);
  }
};
var TaskError = class extends ErrorOfTask {
  constructor(message, details = {}) {
    super(message, details);
  }
};
var TaskTimeoutError = class extends ErrorOfTask {
};
var TaskCancelledError = class extends ErrorOfTask {
};
var WorkerLostError = class extends ErrorOfTask {
};
var InfeasibleError = class extends ErrorOfTask {
};
var ConnectionError = class extends GrainError {
};
var AuthError = class extends GrainError {
};
var ConfigError = class extends GrainError {
  constructor(message, details = {}) {
    super(message, details);
  }
};
var ResourceError = class extends GrainError {
};
var SerializationError = class extends GrainError {
  constructor(message, details = {}) {
    super(message, details);
  }
};
var ProgramError = class extends GrainError {
  constructor(message, details = {}) {
    super(message, details);
  }
};
function messageOf(error) {
  try {
    if (typeof error !== "object" || error === null) return String(error) || "(empty text)";
    const { message, name } = error;
    if (typeof message === "string" && message !== "") return message;
    if (error instanceof Error && typeof name === "string" && name !== "") return name;
    return JSON.stringify(error) ?? String(error);
  } catch {
    return "(an error that cannot be printed)";
  }
}
for (const [name, { prototype }] of Object.entries({
  GrainError,
  TaskError,
  TaskTimeoutError,
  TaskCancelledError,
  WorkerLostError,
  InfeasibleError,
  ConnectionError,
  AuthError,
  ConfigError,
  ResourceError,
  SerializationError,
  ProgramError
}))
  Object.defineProperty(prototype, "name", { value: name, configurable: true, writable: true });

// proto/hash.ts
import { createCipheriv, createHash, randomBytes } from "node:crypto";
var SHA256 = /^sha256-[0-9a-f]{64}$/;
var GMAC = /^gmac-([0-9a-f]{32})-[0-9a-f]{32}$/;
var NONCE = Buffer.alloc(12);
var PIECE_BYTES = 256 * 1024;
function isBlobName(text) {
  return SHA256.test(text) || GMAC.test(text);
}
function digestLike(name) {
  const key = GMAC.exec(name)?.[1];
  return key === void 0 ? sha256() : gmac(key);
}
function sha256() {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), name: () => `sha256-${hash.digest("hex")}` };
}
function gmac(key) {
  const cipher = createCipheriv("aes-128-gcm", Buffer.from(key, "hex"), NONCE);
  return {
    update(bytes) {
      for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES)
        cipher.setAAD(bytes.subarray(at, at + PIECE_BYTES));
    },
    name() {
      cipher.final();
      return `gmac-${key}-${cipher.getAuthTag().toString("hex")}`;
    }
  };
}

// proto/share/directory.ts
import { lstatSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// proto/process-name.ts
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
var UNKNOWN = "0";
var machine;
var space;
function thisMachine() {
  machine ??= [hostname(), read("/proc/sys/kernel/random/boot_id"), processSpace()].join(" ").trim();
  return machine;
}
function thisProcess() {
  return { machine: thisMachine(), pid: process.pid, started: lookAt(process.pid).started };
}
function isRunning({ machine: machine2, pid, started }) {
  if (machine2 !== thisMachine()) return void 0;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === "ESRCH") return false;
  }
  const found = lookAt(pid);
  if (found.ended) return false;
  return started === "" || found.started === "" || found.started === started;
}
function ownProcess() {
  const { pid, started } = thisProcess();
  return `${pid}-${started || UNKNOWN}-${spaceNumber()}`;
}
function lookAt(pid) {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { started: fields[19] ?? "", ended: fields[0] === "Z" || fields[0] === "X" };
}
function spaceNumber() {
  return /\d+/.exec(processSpace())?.[0] ?? UNKNOWN;
}
function processSpace() {
  space ??= readSpace();
  return space;
}
function readSpace() {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
function read(path) {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
}

// proto/share/directory.ts
var NAME = /^grain-(head|worker|launcher)-(\d+-\d+-\d+)-[0-9a-f]{32}$/;
var FILE_NAME = /^[0-9a-f]{32}$/;
var KEEP_MS = 10 * 6e4;
function sharedRoot(env = process.env) {
  const root = env.GRAIN_SHARED_DIR ?? (process.platform === "linux" ? "/dev/shm" : "");
  try {
    return root !== "" && lstatSync(root).isDirectory() ? root : void 0;
  } catch {
    return void 0;
  }
}
function privateAt(root, name) {
  if (!NAME.test(name)) return void 0;
  const path = join(root, name);
  return isPrivate(path) ? path : void 0;
}
function isPrivate(path) {
  try {
    const found = lstatSync(path);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 63) === 0;
  } catch {
    return false;
  }
}
function isFileName(text) {
  return FILE_NAME.test(text);
}

// proto/link/grpc/services.ts
import protobuf from "protobufjs/minimal.js";

// proto/grain.ts
import _m0 from "protobufjs/minimal.js";
function createBaseDemand() {
  return { amounts: [], tokens: [], walltime: void 0, allCores: false, nodes: 0, limits: [], coreLayout: "" };
}
var Demand = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.amounts) {
      Demand_Amount.encode(v, writer.uint32(10).fork()).ldelim();
    }
    for (const v of message.tokens) {
      writer.uint32(18).string(v);
    }
    if (message.walltime !== void 0) {
      Demand_Walltime.encode(message.walltime, writer.uint32(26).fork()).ldelim();
    }
    if (message.allCores !== false) {
      writer.uint32(32).bool(message.allCores);
    }
    if (message.nodes !== 0) {
      writer.uint32(40).uint32(message.nodes);
    }
    for (const v of message.limits) {
      Demand_Limit.encode(v, writer.uint32(50).fork()).ldelim();
    }
    if (message.coreLayout !== "") {
      writer.uint32(58).string(message.coreLayout);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseDemand();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.amounts.push(Demand_Amount.decode(reader, reader.uint32()));
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.tokens.push(reader.string());
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.walltime = Demand_Walltime.decode(reader, reader.uint32());
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.allCores = reader.bool();
          continue;
        case 5:
          if (tag !== 40) {
            break;
          }
          message.nodes = reader.uint32();
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.limits.push(Demand_Limit.decode(reader, reader.uint32()));
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.coreLayout = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseDemand_Amount() {
  return { kind: "", amount: 0 };
}
var Demand_Amount = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.kind !== "") {
      writer.uint32(10).string(message.kind);
    }
    if (message.amount !== 0) {
      writer.uint32(17).double(message.amount);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseDemand_Amount();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.kind = reader.string();
          continue;
        case 2:
          if (tag !== 17) {
            break;
          }
          message.amount = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseDemand_Walltime() {
  return { hardMs: 0, softMs: 0, group: "" };
}
var Demand_Walltime = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.hardMs !== 0) {
      writer.uint32(9).double(message.hardMs);
    }
    if (message.softMs !== 0) {
      writer.uint32(17).double(message.softMs);
    }
    if (message.group !== "") {
      writer.uint32(26).string(message.group);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseDemand_Walltime();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 9) {
            break;
          }
          message.hardMs = reader.double();
          continue;
        case 2:
          if (tag !== 17) {
            break;
          }
          message.softMs = reader.double();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.group = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseDemand_Limit() {
  return { name: "", count: 0 };
}
var Demand_Limit = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.name !== "") {
      writer.uint32(10).string(message.name);
    }
    if (message.count !== 0) {
      writer.uint32(16).uint32(message.count);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseDemand_Limit();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.name = reader.string();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.count = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseRequest() {
  return { alternatives: [] };
}
var Request = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.alternatives) {
      Demand.encode(v, writer.uint32(10).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseRequest();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.alternatives.push(Demand.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBasePool() {
  return { cores: [], gpus: [], memoryBytes: 0, others: [], tokens: [], remainingMs: void 0, numa: [] };
}
var Pool = {
  encode(message, writer = _m0.Writer.create()) {
    writer.uint32(10).fork();
    for (const v of message.cores) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(18).fork();
    for (const v of message.gpus) {
      writer.uint32(v);
    }
    writer.ldelim();
    if (message.memoryBytes !== 0) {
      writer.uint32(25).double(message.memoryBytes);
    }
    for (const v of message.others) {
      Demand_Amount.encode(v, writer.uint32(34).fork()).ldelim();
    }
    for (const v of message.tokens) {
      writer.uint32(42).string(v);
    }
    if (message.remainingMs !== void 0) {
      writer.uint32(49).double(message.remainingMs);
    }
    for (const v of message.numa) {
      NumaNode.encode(v, writer.uint32(58).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBasePool();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag === 8) {
            message.cores.push(reader.uint32());
            continue;
          }
          if (tag === 10) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.cores.push(reader.uint32());
            }
            continue;
          }
          break;
        case 2:
          if (tag === 16) {
            message.gpus.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.gpus.push(reader.uint32());
            }
            continue;
          }
          break;
        case 3:
          if (tag !== 25) {
            break;
          }
          message.memoryBytes = reader.double();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.others.push(Demand_Amount.decode(reader, reader.uint32()));
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.tokens.push(reader.string());
          continue;
        case 6:
          if (tag !== 49) {
            break;
          }
          message.remainingMs = reader.double();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.numa.push(NumaNode.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseNumaNode() {
  return { socket: 0, cores: [] };
}
var NumaNode = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.socket !== 0) {
      writer.uint32(8).uint32(message.socket);
    }
    writer.uint32(18).fork();
    for (const v of message.cores) {
      writer.uint32(v);
    }
    writer.ldelim();
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseNumaNode();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.socket = reader.uint32();
          continue;
        case 2:
          if (tag === 16) {
            message.cores.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.cores.push(reader.uint32());
            }
            continue;
          }
          break;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseBlobRef() {
  return { hash: "", byteLength: 0 };
}
var BlobRef = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.hash !== "") {
      writer.uint32(10).string(message.hash);
    }
    if (message.byteLength !== 0) {
      writer.uint32(17).double(message.byteLength);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseBlobRef();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.hash = reader.string();
          continue;
        case 2:
          if (tag !== 17) {
            break;
          }
          message.byteLength = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseBlobAt() {
  return { index: 0, ref: void 0, file: void 0 };
}
var BlobAt = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.index !== 0) {
      writer.uint32(8).uint32(message.index);
    }
    if (message.ref !== void 0) {
      BlobRef.encode(message.ref, writer.uint32(18).fork()).ldelim();
    }
    if (message.file !== void 0) {
      writer.uint32(26).string(message.file);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseBlobAt();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.index = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.ref = BlobRef.decode(reader, reader.uint32());
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.file = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseHello() {
  return { protocol: 0, version: "", node: "", host: "", pid: 0, bundleFormat: 0 };
}
var Hello = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.protocol !== 0) {
      writer.uint32(8).uint32(message.protocol);
    }
    if (message.version !== "") {
      writer.uint32(18).string(message.version);
    }
    if (message.node !== "") {
      writer.uint32(26).string(message.node);
    }
    if (message.host !== "") {
      writer.uint32(34).string(message.host);
    }
    if (message.pid !== 0) {
      writer.uint32(40).uint32(message.pid);
    }
    if (message.bundleFormat !== 0) {
      writer.uint32(48).uint32(message.bundleFormat);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseHello();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.protocol = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.version = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.node = reader.string();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.host = reader.string();
          continue;
        case 5:
          if (tag !== 40) {
            break;
          }
          message.pid = reader.uint32();
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.bundleFormat = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseRefused() {
  return { code: 0, message: "", protocol: 0, version: "" };
}
var Refused = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.code !== 0) {
      writer.uint32(8).int32(message.code);
    }
    if (message.message !== "") {
      writer.uint32(18).string(message.message);
    }
    if (message.protocol !== 0) {
      writer.uint32(24).uint32(message.protocol);
    }
    if (message.version !== "") {
      writer.uint32(34).string(message.version);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseRefused();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.code = reader.int32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.message = reader.string();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.protocol = reader.uint32();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.version = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSpec() {
  return {
    spec: 0,
    module: "",
    function: "",
    name: "",
    request: void 0,
    priority: 0,
    timeoutMs: 0,
    retries: 0,
    pin: false,
    failInfeasible: false,
    retryBackoffMs: 0,
    retryOn: [],
    code: void 0,
    once: void 0
  };
}
var Spec = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.spec !== 0) {
      writer.uint32(8).uint32(message.spec);
    }
    if (message.module !== "") {
      writer.uint32(18).string(message.module);
    }
    if (message.function !== "") {
      writer.uint32(26).string(message.function);
    }
    if (message.name !== "") {
      writer.uint32(34).string(message.name);
    }
    if (message.request !== void 0) {
      Request.encode(message.request, writer.uint32(42).fork()).ldelim();
    }
    if (message.priority !== 0) {
      writer.uint32(48).int32(message.priority);
    }
    if (message.timeoutMs !== 0) {
      writer.uint32(57).double(message.timeoutMs);
    }
    if (message.retries !== 0) {
      writer.uint32(64).uint32(message.retries);
    }
    if (message.pin !== false) {
      writer.uint32(72).bool(message.pin);
    }
    if (message.failInfeasible !== false) {
      writer.uint32(80).bool(message.failInfeasible);
    }
    if (message.retryBackoffMs !== 0) {
      writer.uint32(89).double(message.retryBackoffMs);
    }
    for (const v of message.retryOn) {
      writer.uint32(98).string(v);
    }
    if (message.code !== void 0) {
      writer.uint32(106).bytes(message.code);
    }
    if (message.once !== void 0) {
      writer.uint32(112).bool(message.once);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSpec();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.spec = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.module = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.function = reader.string();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.name = reader.string();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.request = Request.decode(reader, reader.uint32());
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.priority = reader.int32();
          continue;
        case 7:
          if (tag !== 57) {
            break;
          }
          message.timeoutMs = reader.double();
          continue;
        case 8:
          if (tag !== 64) {
            break;
          }
          message.retries = reader.uint32();
          continue;
        case 9:
          if (tag !== 72) {
            break;
          }
          message.pin = reader.bool();
          continue;
        case 10:
          if (tag !== 80) {
            break;
          }
          message.failInfeasible = reader.bool();
          continue;
        case 11:
          if (tag !== 89) {
            break;
          }
          message.retryBackoffMs = reader.double();
          continue;
        case 12:
          if (tag !== 98) {
            break;
          }
          message.retryOn.push(reader.string());
          continue;
        case 13:
          if (tag !== 106) {
            break;
          }
          message.code = reader.bytes();
          continue;
        case 14:
          if (tag !== 112) {
            break;
          }
          message.once = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseFailure() {
  return {
    session: 0,
    task: 0,
    attempt: 0,
    kind: 0,
    message: "",
    error: new Uint8Array(0),
    worker: "",
    exitCode: 0,
    signal: "",
    stderrTail: "",
    runMs: 0,
    errorName: void 0,
    memoryBytes: void 0,
    peakBytes: void 0,
    askedBytes: void 0
  };
}
var Failure = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.task !== 0) {
      writer.uint32(16).uint32(message.task);
    }
    if (message.attempt !== 0) {
      writer.uint32(24).uint32(message.attempt);
    }
    if (message.kind !== 0) {
      writer.uint32(32).int32(message.kind);
    }
    if (message.message !== "") {
      writer.uint32(42).string(message.message);
    }
    if (message.error.length !== 0) {
      writer.uint32(50).bytes(message.error);
    }
    if (message.worker !== "") {
      writer.uint32(58).string(message.worker);
    }
    if (message.exitCode !== 0) {
      writer.uint32(64).int32(message.exitCode);
    }
    if (message.signal !== "") {
      writer.uint32(74).string(message.signal);
    }
    if (message.stderrTail !== "") {
      writer.uint32(82).string(message.stderrTail);
    }
    if (message.runMs !== 0) {
      writer.uint32(89).double(message.runMs);
    }
    if (message.errorName !== void 0) {
      writer.uint32(98).string(message.errorName);
    }
    if (message.memoryBytes !== void 0) {
      writer.uint32(105).double(message.memoryBytes);
    }
    if (message.peakBytes !== void 0) {
      writer.uint32(113).double(message.peakBytes);
    }
    if (message.askedBytes !== void 0) {
      writer.uint32(121).double(message.askedBytes);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseFailure();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.task = reader.uint32();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.attempt = reader.uint32();
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.kind = reader.int32();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.message = reader.string();
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.error = reader.bytes();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.worker = reader.string();
          continue;
        case 8:
          if (tag !== 64) {
            break;
          }
          message.exitCode = reader.int32();
          continue;
        case 9:
          if (tag !== 74) {
            break;
          }
          message.signal = reader.string();
          continue;
        case 10:
          if (tag !== 82) {
            break;
          }
          message.stderrTail = reader.string();
          continue;
        case 11:
          if (tag !== 89) {
            break;
          }
          message.runMs = reader.double();
          continue;
        case 12:
          if (tag !== 98) {
            break;
          }
          message.errorName = reader.string();
          continue;
        case 13:
          if (tag !== 105) {
            break;
          }
          message.memoryBytes = reader.double();
          continue;
        case 14:
          if (tag !== 113) {
            break;
          }
          message.peakBytes = reader.double();
          continue;
        case 15:
          if (tag !== 121) {
            break;
          }
          message.askedBytes = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseOutput() {
  return { session: 0, task: 0, stderr: false, text: new Uint8Array(0), worker: "" };
}
var Output = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.task !== 0) {
      writer.uint32(16).uint32(message.task);
    }
    if (message.stderr !== false) {
      writer.uint32(24).bool(message.stderr);
    }
    if (message.text.length !== 0) {
      writer.uint32(34).bytes(message.text);
    }
    if (message.worker !== "") {
      writer.uint32(42).string(message.worker);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseOutput();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.task = reader.uint32();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.stderr = reader.bool();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.text = reader.bytes();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.worker = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseOpenSession() {
  return {
    hello: void 0,
    name: "",
    prioritized: false,
    priority: 0,
    outputs: false,
    counts: false,
    token: void 0,
    resume: void 0,
    detach: void 0
  };
}
var OpenSession = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.hello !== void 0) {
      Hello.encode(message.hello, writer.uint32(10).fork()).ldelim();
    }
    if (message.name !== "") {
      writer.uint32(18).string(message.name);
    }
    if (message.prioritized !== false) {
      writer.uint32(24).bool(message.prioritized);
    }
    if (message.priority !== 0) {
      writer.uint32(32).int32(message.priority);
    }
    if (message.outputs !== false) {
      writer.uint32(40).bool(message.outputs);
    }
    if (message.counts !== false) {
      writer.uint32(48).bool(message.counts);
    }
    if (message.token !== void 0) {
      writer.uint32(58).bytes(message.token);
    }
    if (message.resume !== void 0) {
      Resume.encode(message.resume, writer.uint32(66).fork()).ldelim();
    }
    if (message.detach !== void 0) {
      writer.uint32(72).bool(message.detach);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseOpenSession();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.hello = Hello.decode(reader, reader.uint32());
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.name = reader.string();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.prioritized = reader.bool();
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.priority = reader.int32();
          continue;
        case 5:
          if (tag !== 40) {
            break;
          }
          message.outputs = reader.bool();
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.counts = reader.bool();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.token = reader.bytes();
          continue;
        case 8:
          if (tag !== 66) {
            break;
          }
          message.resume = Resume.decode(reader, reader.uint32());
          continue;
        case 9:
          if (tag !== 72) {
            break;
          }
          message.detach = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseResume() {
  return { session: 0, received: 0, sent: void 0 };
}
var Resume = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.received !== 0) {
      writer.uint32(17).double(message.received);
    }
    if (message.sent !== void 0) {
      writer.uint32(25).double(message.sent);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseResume();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 17) {
            break;
          }
          message.received = reader.double();
          continue;
        case 3:
          if (tag !== 25) {
            break;
          }
          message.sent = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSubmit() {
  return { spec: 0, first: 0, sizes: [], args: new Uint8Array(0), blobs: [], keys: void 0 };
}
var Submit = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.spec !== 0) {
      writer.uint32(8).uint32(message.spec);
    }
    if (message.first !== 0) {
      writer.uint32(16).uint32(message.first);
    }
    writer.uint32(26).fork();
    for (const v of message.sizes) {
      writer.uint32(v);
    }
    writer.ldelim();
    if (message.args.length !== 0) {
      writer.uint32(34).bytes(message.args);
    }
    for (const v of message.blobs) {
      BlobAt.encode(v, writer.uint32(42).fork()).ldelim();
    }
    if (message.keys !== void 0) {
      writer.uint32(50).bytes(message.keys);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSubmit();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.spec = reader.uint32();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.first = reader.uint32();
          continue;
        case 3:
          if (tag === 24) {
            message.sizes.push(reader.uint32());
            continue;
          }
          if (tag === 26) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.sizes.push(reader.uint32());
            }
            continue;
          }
          break;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.args = reader.bytes();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.blobs.push(BlobAt.decode(reader, reader.uint32()));
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.keys = reader.bytes();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseRecall() {
  return { spec: 0, ids: [], keys: new Uint8Array(0) };
}
var Recall = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.spec !== 0) {
      writer.uint32(8).uint32(message.spec);
    }
    writer.uint32(18).fork();
    for (const v of message.ids) {
      writer.uint32(v);
    }
    writer.ldelim();
    if (message.keys.length !== 0) {
      writer.uint32(26).bytes(message.keys);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseRecall();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.spec = reader.uint32();
          continue;
        case 2:
          if (tag === 16) {
            message.ids.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.ids.push(reader.uint32());
            }
            continue;
          }
          break;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.keys = reader.bytes();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseTasks() {
  return { tasks: [] };
}
var Tasks = {
  encode(message, writer = _m0.Writer.create()) {
    writer.uint32(10).fork();
    for (const v of message.tasks) {
      writer.uint32(v);
    }
    writer.ldelim();
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseTasks();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag === 8) {
            message.tasks.push(reader.uint32());
            continue;
          }
          if (tag === 10) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.tasks.push(reader.uint32());
            }
            continue;
          }
          break;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseClose() {
  return { done: void 0 };
}
var Close = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.done !== void 0) {
      writer.uint32(8).bool(message.done);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseClose();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.done = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseClientMessage() {
  return { body: void 0 };
}
var ClientMessage = {
  encode(message, writer = _m0.Writer.create()) {
    switch (message.body?.$case) {
      case "open":
        OpenSession.encode(message.body.open, writer.uint32(10).fork()).ldelim();
        break;
      case "spec":
        Spec.encode(message.body.spec, writer.uint32(18).fork()).ldelim();
        break;
      case "submit":
        Submit.encode(message.body.submit, writer.uint32(26).fork()).ldelim();
        break;
      case "cancel":
        Tasks.encode(message.body.cancel, writer.uint32(34).fork()).ldelim();
        break;
      case "ack":
        Tasks.encode(message.body.ack, writer.uint32(42).fork()).ldelim();
        break;
      case "close":
        Close.encode(message.body.close, writer.uint32(50).fork()).ldelim();
        break;
      case "received":
        writer.uint32(57).double(message.body.received);
        break;
      case "recall":
        Recall.encode(message.body.recall, writer.uint32(66).fork()).ldelim();
        break;
      case "waive":
        Tasks.encode(message.body.waive, writer.uint32(74).fork()).ldelim();
        break;
      case "leave":
        Empty.encode(message.body.leave, writer.uint32(82).fork()).ldelim();
        break;
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseClientMessage();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.body = { $case: "open", open: OpenSession.decode(reader, reader.uint32()) };
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.body = { $case: "spec", spec: Spec.decode(reader, reader.uint32()) };
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.body = { $case: "submit", submit: Submit.decode(reader, reader.uint32()) };
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.body = { $case: "cancel", cancel: Tasks.decode(reader, reader.uint32()) };
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.body = { $case: "ack", ack: Tasks.decode(reader, reader.uint32()) };
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.body = { $case: "close", close: Close.decode(reader, reader.uint32()) };
          continue;
        case 7:
          if (tag !== 57) {
            break;
          }
          message.body = { $case: "received", received: reader.double() };
          continue;
        case 8:
          if (tag !== 66) {
            break;
          }
          message.body = { $case: "recall", recall: Recall.decode(reader, reader.uint32()) };
          continue;
        case 9:
          if (tag !== 74) {
            break;
          }
          message.body = { $case: "waive", waive: Tasks.decode(reader, reader.uint32()) };
          continue;
        case 10:
          if (tag !== 82) {
            break;
          }
          message.body = { $case: "leave", leave: Empty.decode(reader, reader.uint32()) };
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseEmpty() {
  return {};
}
var Empty = {
  encode(_, writer = _m0.Writer.create()) {
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseEmpty();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseClientBatch() {
  return { messages: [] };
}
var ClientBatch = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.messages) {
      ClientMessage.encode(v, writer.uint32(10).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseClientBatch();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.messages.push(ClientMessage.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseWelcome() {
  return { session: 0, hello: void 0, received: void 0, leaseMs: void 0, stores: void 0 };
}
var Welcome = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.hello !== void 0) {
      Hello.encode(message.hello, writer.uint32(18).fork()).ldelim();
    }
    if (message.received !== void 0) {
      writer.uint32(25).double(message.received);
    }
    if (message.leaseMs !== void 0) {
      writer.uint32(33).double(message.leaseMs);
    }
    if (message.stores !== void 0) {
      writer.uint32(40).bool(message.stores);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseWelcome();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.hello = Hello.decode(reader, reader.uint32());
          continue;
        case 3:
          if (tag !== 25) {
            break;
          }
          message.received = reader.double();
          continue;
        case 4:
          if (tag !== 33) {
            break;
          }
          message.leaseMs = reader.double();
          continue;
        case 5:
          if (tag !== 40) {
            break;
          }
          message.stores = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseResults() {
  return { tasks: [], sizes: [], values: new Uint8Array(0), blobs: [] };
}
var Results = {
  encode(message, writer = _m0.Writer.create()) {
    writer.uint32(10).fork();
    for (const v of message.tasks) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(18).fork();
    for (const v of message.sizes) {
      writer.uint32(v);
    }
    writer.ldelim();
    if (message.values.length !== 0) {
      writer.uint32(26).bytes(message.values);
    }
    for (const v of message.blobs) {
      BlobAt.encode(v, writer.uint32(34).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseResults();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag === 8) {
            message.tasks.push(reader.uint32());
            continue;
          }
          if (tag === 10) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.tasks.push(reader.uint32());
            }
            continue;
          }
          break;
        case 2:
          if (tag === 16) {
            message.sizes.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.sizes.push(reader.uint32());
            }
            continue;
          }
          break;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.values = reader.bytes();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.blobs.push(BlobAt.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseRecalled() {
  return { ids: [], sizes: [], values: new Uint8Array(0), blobs: [], missing: [] };
}
var Recalled = {
  encode(message, writer = _m0.Writer.create()) {
    writer.uint32(10).fork();
    for (const v of message.ids) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(18).fork();
    for (const v of message.sizes) {
      writer.uint32(v);
    }
    writer.ldelim();
    if (message.values.length !== 0) {
      writer.uint32(26).bytes(message.values);
    }
    for (const v of message.blobs) {
      BlobAt.encode(v, writer.uint32(34).fork()).ldelim();
    }
    writer.uint32(42).fork();
    for (const v of message.missing) {
      writer.uint32(v);
    }
    writer.ldelim();
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseRecalled();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag === 8) {
            message.ids.push(reader.uint32());
            continue;
          }
          if (tag === 10) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.ids.push(reader.uint32());
            }
            continue;
          }
          break;
        case 2:
          if (tag === 16) {
            message.sizes.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.sizes.push(reader.uint32());
            }
            continue;
          }
          break;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.values = reader.bytes();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.blobs.push(BlobAt.decode(reader, reader.uint32()));
          continue;
        case 5:
          if (tag === 40) {
            message.missing.push(reader.uint32());
            continue;
          }
          if (tag === 42) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.missing.push(reader.uint32());
            }
            continue;
          }
          break;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseCounts() {
  return { queued: 0, running: 0, workers: 0 };
}
var Counts = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.queued !== 0) {
      writer.uint32(8).uint32(message.queued);
    }
    if (message.running !== 0) {
      writer.uint32(16).uint32(message.running);
    }
    if (message.workers !== 0) {
      writer.uint32(24).uint32(message.workers);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseCounts();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.queued = reader.uint32();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.running = reader.uint32();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.workers = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseNotice() {
  return { text: "", warning: false };
}
var Notice = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.text !== "") {
      writer.uint32(10).string(message.text);
    }
    if (message.warning !== false) {
      writer.uint32(16).bool(message.warning);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseNotice();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.text = reader.string();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.warning = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseHeadToClient() {
  return { body: void 0 };
}
var HeadToClient = {
  encode(message, writer = _m0.Writer.create()) {
    switch (message.body?.$case) {
      case "welcome":
        Welcome.encode(message.body.welcome, writer.uint32(10).fork()).ldelim();
        break;
      case "refused":
        Refused.encode(message.body.refused, writer.uint32(18).fork()).ldelim();
        break;
      case "results":
        Results.encode(message.body.results, writer.uint32(26).fork()).ldelim();
        break;
      case "failure":
        Failure.encode(message.body.failure, writer.uint32(34).fork()).ldelim();
        break;
      case "output":
        Output.encode(message.body.output, writer.uint32(42).fork()).ldelim();
        break;
      case "counts":
        Counts.encode(message.body.counts, writer.uint32(50).fork()).ldelim();
        break;
      case "notice":
        Notice.encode(message.body.notice, writer.uint32(58).fork()).ldelim();
        break;
      case "closed":
        Empty.encode(message.body.closed, writer.uint32(66).fork()).ldelim();
        break;
      case "received":
        writer.uint32(73).double(message.body.received);
        break;
      case "recalled":
        Recalled.encode(message.body.recalled, writer.uint32(82).fork()).ldelim();
        break;
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseHeadToClient();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.body = { $case: "welcome", welcome: Welcome.decode(reader, reader.uint32()) };
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.body = { $case: "refused", refused: Refused.decode(reader, reader.uint32()) };
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.body = { $case: "results", results: Results.decode(reader, reader.uint32()) };
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.body = { $case: "failure", failure: Failure.decode(reader, reader.uint32()) };
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.body = { $case: "output", output: Output.decode(reader, reader.uint32()) };
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.body = { $case: "counts", counts: Counts.decode(reader, reader.uint32()) };
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.body = { $case: "notice", notice: Notice.decode(reader, reader.uint32()) };
          continue;
        case 8:
          if (tag !== 66) {
            break;
          }
          message.body = { $case: "closed", closed: Empty.decode(reader, reader.uint32()) };
          continue;
        case 9:
          if (tag !== 73) {
            break;
          }
          message.body = { $case: "received", received: reader.double() };
          continue;
        case 10:
          if (tag !== 82) {
            break;
          }
          message.body = { $case: "recalled", recalled: Recalled.decode(reader, reader.uint32()) };
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseHeadToClientBatch() {
  return { messages: [] };
}
var HeadToClientBatch = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.messages) {
      HeadToClient.encode(v, writer.uint32(10).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseHeadToClientBatch();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.messages.push(HeadToClient.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseJoinCluster() {
  return { hello: void 0, name: "", pool: void 0, imports: [], id: void 0, resume: false, job: void 0 };
}
var JoinCluster = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.hello !== void 0) {
      Hello.encode(message.hello, writer.uint32(10).fork()).ldelim();
    }
    if (message.name !== "") {
      writer.uint32(18).string(message.name);
    }
    if (message.pool !== void 0) {
      Pool.encode(message.pool, writer.uint32(26).fork()).ldelim();
    }
    for (const v of message.imports) {
      writer.uint32(34).string(v);
    }
    if (message.id !== void 0) {
      writer.uint32(42).bytes(message.id);
    }
    if (message.resume !== false) {
      writer.uint32(48).bool(message.resume);
    }
    if (message.job !== void 0) {
      writer.uint32(58).string(message.job);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseJoinCluster();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.hello = Hello.decode(reader, reader.uint32());
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.name = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.pool = Pool.decode(reader, reader.uint32());
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.imports.push(reader.string());
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.id = reader.bytes();
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.resume = reader.bool();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.job = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseHeld() {
  return { executions: [], sessions: [] };
}
var Held = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.executions) {
      Execution.encode(v, writer.uint32(10).fork()).ldelim();
    }
    writer.uint32(18).fork();
    for (const v of message.sessions) {
      writer.uint32(v);
    }
    writer.ldelim();
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseHeld();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.executions.push(Execution.decode(reader, reader.uint32()));
          continue;
        case 2:
          if (tag === 16) {
            message.sessions.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.sessions.push(reader.uint32());
            }
            continue;
          }
          break;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExecution() {
  return { session: 0, tasks: [], attempts: [], alternatives: [], started: [], gangs: [] };
}
var Execution = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    writer.uint32(18).fork();
    for (const v of message.tasks) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(26).fork();
    for (const v of message.attempts) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(34).fork();
    for (const v of message.alternatives) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(42).fork();
    for (const v of message.started) {
      writer.bool(v);
    }
    writer.ldelim();
    for (const v of message.gangs) {
      Gang.encode(v, writer.uint32(50).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExecution();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag === 16) {
            message.tasks.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.tasks.push(reader.uint32());
            }
            continue;
          }
          break;
        case 3:
          if (tag === 24) {
            message.attempts.push(reader.uint32());
            continue;
          }
          if (tag === 26) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.attempts.push(reader.uint32());
            }
            continue;
          }
          break;
        case 4:
          if (tag === 32) {
            message.alternatives.push(reader.uint32());
            continue;
          }
          if (tag === 34) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.alternatives.push(reader.uint32());
            }
            continue;
          }
          break;
        case 5:
          if (tag === 40) {
            message.started.push(reader.bool());
            continue;
          }
          if (tag === 42) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.started.push(reader.bool());
            }
            continue;
          }
          break;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.gangs.push(Gang.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseHeartbeat() {
  return { running: 0, loopLagMs: 0, pressed: void 0 };
}
var Heartbeat = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.running !== 0) {
      writer.uint32(8).uint32(message.running);
    }
    if (message.loopLagMs !== 0) {
      writer.uint32(17).double(message.loopLagMs);
    }
    if (message.pressed !== void 0) {
      writer.uint32(24).bool(message.pressed);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseHeartbeat();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.running = reader.uint32();
          continue;
        case 2:
          if (tag !== 17) {
            break;
          }
          message.loopLagMs = reader.double();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.pressed = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseStarted() {
  return { session: 0, tasks: [], attempts: [] };
}
var Started = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    writer.uint32(18).fork();
    for (const v of message.tasks) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(26).fork();
    for (const v of message.attempts) {
      writer.uint32(v);
    }
    writer.ldelim();
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseStarted();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag === 16) {
            message.tasks.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.tasks.push(reader.uint32());
            }
            continue;
          }
          break;
        case 3:
          if (tag === 24) {
            message.attempts.push(reader.uint32());
            continue;
          }
          if (tag === 26) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.attempts.push(reader.uint32());
            }
            continue;
          }
          break;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseFinished() {
  return { session: 0, tasks: [], attempts: [], sizes: [], values: new Uint8Array(0), blobs: [], runUs: [] };
}
var Finished = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    writer.uint32(18).fork();
    for (const v of message.tasks) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(26).fork();
    for (const v of message.attempts) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(34).fork();
    for (const v of message.sizes) {
      writer.uint32(v);
    }
    writer.ldelim();
    if (message.values.length !== 0) {
      writer.uint32(42).bytes(message.values);
    }
    for (const v of message.blobs) {
      BlobAt.encode(v, writer.uint32(50).fork()).ldelim();
    }
    writer.uint32(58).fork();
    for (const v of message.runUs) {
      writer.uint32(v);
    }
    writer.ldelim();
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseFinished();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag === 16) {
            message.tasks.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.tasks.push(reader.uint32());
            }
            continue;
          }
          break;
        case 3:
          if (tag === 24) {
            message.attempts.push(reader.uint32());
            continue;
          }
          if (tag === 26) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.attempts.push(reader.uint32());
            }
            continue;
          }
          break;
        case 4:
          if (tag === 32) {
            message.sizes.push(reader.uint32());
            continue;
          }
          if (tag === 34) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.sizes.push(reader.uint32());
            }
            continue;
          }
          break;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.values = reader.bytes();
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.blobs.push(BlobAt.decode(reader, reader.uint32()));
          continue;
        case 7:
          if (tag === 56) {
            message.runUs.push(reader.uint32());
            continue;
          }
          if (tag === 58) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.runUs.push(reader.uint32());
            }
            continue;
          }
          break;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseReturned() {
  return { session: 0, tasks: [], attempts: [] };
}
var Returned = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    writer.uint32(18).fork();
    for (const v of message.tasks) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(26).fork();
    for (const v of message.attempts) {
      writer.uint32(v);
    }
    writer.ldelim();
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseReturned();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag === 16) {
            message.tasks.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.tasks.push(reader.uint32());
            }
            continue;
          }
          break;
        case 3:
          if (tag === 24) {
            message.attempts.push(reader.uint32());
            continue;
          }
          if (tag === 26) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.attempts.push(reader.uint32());
            }
            continue;
          }
          break;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseLeaving() {
  return { reason: "" };
}
var Leaving = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.reason !== "") {
      writer.uint32(10).string(message.reason);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseLeaving();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.reason = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseWorkerMessage() {
  return { body: void 0 };
}
var WorkerMessage = {
  encode(message, writer = _m0.Writer.create()) {
    switch (message.body?.$case) {
      case "join":
        JoinCluster.encode(message.body.join, writer.uint32(10).fork()).ldelim();
        break;
      case "heartbeat":
        Heartbeat.encode(message.body.heartbeat, writer.uint32(18).fork()).ldelim();
        break;
      case "started":
        Started.encode(message.body.started, writer.uint32(26).fork()).ldelim();
        break;
      case "finished":
        Finished.encode(message.body.finished, writer.uint32(34).fork()).ldelim();
        break;
      case "failure":
        Failure.encode(message.body.failure, writer.uint32(42).fork()).ldelim();
        break;
      case "returned":
        Returned.encode(message.body.returned, writer.uint32(50).fork()).ldelim();
        break;
      case "output":
        Output.encode(message.body.output, writer.uint32(58).fork()).ldelim();
        break;
      case "leaving":
        Leaving.encode(message.body.leaving, writer.uint32(66).fork()).ldelim();
        break;
      case "held":
        Held.encode(message.body.held, writer.uint32(74).fork()).ldelim();
        break;
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseWorkerMessage();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.body = { $case: "join", join: JoinCluster.decode(reader, reader.uint32()) };
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.body = { $case: "heartbeat", heartbeat: Heartbeat.decode(reader, reader.uint32()) };
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.body = { $case: "started", started: Started.decode(reader, reader.uint32()) };
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.body = { $case: "finished", finished: Finished.decode(reader, reader.uint32()) };
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.body = { $case: "failure", failure: Failure.decode(reader, reader.uint32()) };
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.body = { $case: "returned", returned: Returned.decode(reader, reader.uint32()) };
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.body = { $case: "output", output: Output.decode(reader, reader.uint32()) };
          continue;
        case 8:
          if (tag !== 66) {
            break;
          }
          message.body = { $case: "leaving", leaving: Leaving.decode(reader, reader.uint32()) };
          continue;
        case 9:
          if (tag !== 74) {
            break;
          }
          message.body = { $case: "held", held: Held.decode(reader, reader.uint32()) };
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseWorkerBatch() {
  return { messages: [] };
}
var WorkerBatch = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.messages) {
      WorkerMessage.encode(v, writer.uint32(10).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseWorkerBatch();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.messages.push(WorkerMessage.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseAccepted() {
  return { worker: 0, hello: void 0, heartbeatMs: 0, received: void 0, resumeMs: void 0, head: void 0 };
}
var Accepted = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.worker !== 0) {
      writer.uint32(8).uint32(message.worker);
    }
    if (message.hello !== void 0) {
      Hello.encode(message.hello, writer.uint32(18).fork()).ldelim();
    }
    if (message.heartbeatMs !== 0) {
      writer.uint32(25).double(message.heartbeatMs);
    }
    if (message.received !== void 0) {
      writer.uint32(33).double(message.received);
    }
    if (message.resumeMs !== void 0) {
      writer.uint32(41).double(message.resumeMs);
    }
    if (message.head !== void 0) {
      writer.uint32(50).bytes(message.head);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseAccepted();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.worker = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.hello = Hello.decode(reader, reader.uint32());
          continue;
        case 3:
          if (tag !== 25) {
            break;
          }
          message.heartbeatMs = reader.double();
          continue;
        case 4:
          if (tag !== 33) {
            break;
          }
          message.received = reader.double();
          continue;
        case 5:
          if (tag !== 41) {
            break;
          }
          message.resumeMs = reader.double();
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.head = reader.bytes();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSessionSpec() {
  return { session: 0, spec: void 0, outputs: false };
}
var SessionSpec = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.spec !== void 0) {
      Spec.encode(message.spec, writer.uint32(18).fork()).ldelim();
    }
    if (message.outputs !== false) {
      writer.uint32(24).bool(message.outputs);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSessionSpec();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.spec = Spec.decode(reader, reader.uint32());
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.outputs = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseAssign() {
  return {
    session: 0,
    spec: 0,
    tasks: [],
    attempts: [],
    sizes: [],
    args: new Uint8Array(0),
    blobs: [],
    granted: false,
    alternative: 0,
    hardMs: 0,
    gangs: [],
    reportMs: void 0
  };
}
var Assign = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.spec !== 0) {
      writer.uint32(16).uint32(message.spec);
    }
    writer.uint32(26).fork();
    for (const v of message.tasks) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(34).fork();
    for (const v of message.attempts) {
      writer.uint32(v);
    }
    writer.ldelim();
    writer.uint32(42).fork();
    for (const v of message.sizes) {
      writer.uint32(v);
    }
    writer.ldelim();
    if (message.args.length !== 0) {
      writer.uint32(50).bytes(message.args);
    }
    for (const v of message.blobs) {
      BlobAt.encode(v, writer.uint32(58).fork()).ldelim();
    }
    if (message.granted !== false) {
      writer.uint32(64).bool(message.granted);
    }
    if (message.alternative !== 0) {
      writer.uint32(72).uint32(message.alternative);
    }
    if (message.hardMs !== 0) {
      writer.uint32(81).double(message.hardMs);
    }
    for (const v of message.gangs) {
      Gang.encode(v, writer.uint32(90).fork()).ldelim();
    }
    if (message.reportMs !== void 0) {
      writer.uint32(96).uint32(message.reportMs);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseAssign();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.spec = reader.uint32();
          continue;
        case 3:
          if (tag === 24) {
            message.tasks.push(reader.uint32());
            continue;
          }
          if (tag === 26) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.tasks.push(reader.uint32());
            }
            continue;
          }
          break;
        case 4:
          if (tag === 32) {
            message.attempts.push(reader.uint32());
            continue;
          }
          if (tag === 34) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.attempts.push(reader.uint32());
            }
            continue;
          }
          break;
        case 5:
          if (tag === 40) {
            message.sizes.push(reader.uint32());
            continue;
          }
          if (tag === 42) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.sizes.push(reader.uint32());
            }
            continue;
          }
          break;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.args = reader.bytes();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.blobs.push(BlobAt.decode(reader, reader.uint32()));
          continue;
        case 8:
          if (tag !== 64) {
            break;
          }
          message.granted = reader.bool();
          continue;
        case 9:
          if (tag !== 72) {
            break;
          }
          message.alternative = reader.uint32();
          continue;
        case 10:
          if (tag !== 81) {
            break;
          }
          message.hardMs = reader.double();
          continue;
        case 11:
          if (tag !== 90) {
            break;
          }
          message.gangs.push(Gang.decode(reader, reader.uint32()));
          continue;
        case 12:
          if (tag !== 96) {
            break;
          }
          message.reportMs = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseGang() {
  return { index: 0, nodes: [] };
}
var Gang = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.index !== 0) {
      writer.uint32(8).uint32(message.index);
    }
    for (const v of message.nodes) {
      Gang_Node.encode(v, writer.uint32(18).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseGang();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.index = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.nodes.push(Gang_Node.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseGang_Node() {
  return { worker: "", host: "", cores: 0 };
}
var Gang_Node = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.worker !== "") {
      writer.uint32(10).string(message.worker);
    }
    if (message.host !== "") {
      writer.uint32(18).string(message.host);
    }
    if (message.cores !== 0) {
      writer.uint32(24).uint32(message.cores);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseGang_Node();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.worker = reader.string();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.host = reader.string();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.cores = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseTasksOf() {
  return { session: 0, tasks: [] };
}
var TasksOf = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    writer.uint32(18).fork();
    for (const v of message.tasks) {
      writer.uint32(v);
    }
    writer.ldelim();
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseTasksOf();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag === 16) {
            message.tasks.push(reader.uint32());
            continue;
          }
          if (tag === 18) {
            const end2 = reader.uint32() + reader.pos;
            while (reader.pos < end2) {
              message.tasks.push(reader.uint32());
            }
            continue;
          }
          break;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseHeadToWorker() {
  return { body: void 0 };
}
var HeadToWorker = {
  encode(message, writer = _m0.Writer.create()) {
    switch (message.body?.$case) {
      case "accepted":
        Accepted.encode(message.body.accepted, writer.uint32(10).fork()).ldelim();
        break;
      case "refused":
        Refused.encode(message.body.refused, writer.uint32(18).fork()).ldelim();
        break;
      case "spec":
        SessionSpec.encode(message.body.spec, writer.uint32(26).fork()).ldelim();
        break;
      case "assign":
        Assign.encode(message.body.assign, writer.uint32(34).fork()).ldelim();
        break;
      case "promote":
        TasksOf.encode(message.body.promote, writer.uint32(42).fork()).ldelim();
        break;
      case "retract":
        TasksOf.encode(message.body.retract, writer.uint32(50).fork()).ldelim();
        break;
      case "cancel":
        TasksOf.encode(message.body.cancel, writer.uint32(58).fork()).ldelim();
        break;
      case "forget":
        writer.uint32(64).uint32(message.body.forget);
        break;
      case "leave":
        Leave.encode(message.body.leave, writer.uint32(74).fork()).ldelim();
        break;
      case "received":
        writer.uint32(81).double(message.body.received);
        break;
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseHeadToWorker();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.body = { $case: "accepted", accepted: Accepted.decode(reader, reader.uint32()) };
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.body = { $case: "refused", refused: Refused.decode(reader, reader.uint32()) };
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.body = { $case: "spec", spec: SessionSpec.decode(reader, reader.uint32()) };
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.body = { $case: "assign", assign: Assign.decode(reader, reader.uint32()) };
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.body = { $case: "promote", promote: TasksOf.decode(reader, reader.uint32()) };
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.body = { $case: "retract", retract: TasksOf.decode(reader, reader.uint32()) };
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.body = { $case: "cancel", cancel: TasksOf.decode(reader, reader.uint32()) };
          continue;
        case 8:
          if (tag !== 64) {
            break;
          }
          message.body = { $case: "forget", forget: reader.uint32() };
          continue;
        case 9:
          if (tag !== 74) {
            break;
          }
          message.body = { $case: "leave", leave: Leave.decode(reader, reader.uint32()) };
          continue;
        case 10:
          if (tag !== 81) {
            break;
          }
          message.body = { $case: "received", received: reader.double() };
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseLeave() {
  return { kill: false, reason: "" };
}
var Leave = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.kill !== false) {
      writer.uint32(8).bool(message.kill);
    }
    if (message.reason !== "") {
      writer.uint32(18).string(message.reason);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseLeave();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.kill = reader.bool();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.reason = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseHeadToWorkerBatch() {
  return { messages: [] };
}
var HeadToWorkerBatch = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.messages) {
      HeadToWorker.encode(v, writer.uint32(10).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseHeadToWorkerBatch();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.messages.push(HeadToWorker.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseBlobChunk() {
  return { ref: void 0, data: new Uint8Array(0) };
}
var BlobChunk = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.ref !== void 0) {
      BlobRef.encode(message.ref, writer.uint32(10).fork()).ldelim();
    }
    if (message.data.length !== 0) {
      writer.uint32(18).bytes(message.data);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseBlobChunk();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.ref = BlobRef.decode(reader, reader.uint32());
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.data = reader.bytes();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseBlobQuery() {
  return { hashes: [] };
}
var BlobQuery = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.hashes) {
      writer.uint32(10).string(v);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseBlobQuery();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.hashes.push(reader.string());
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseBlobAnswer() {
  return { missing: [] };
}
var BlobAnswer = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.missing) {
      writer.uint32(10).string(v);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseBlobAnswer();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.missing.push(reader.string());
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseShareRequest() {
  return { body: void 0, process: "", directory: "" };
}
var ShareRequest = {
  encode(message, writer = _m0.Writer.create()) {
    switch (message.body?.$case) {
      case "proof":
        writer.uint32(10).string(message.body.proof);
        break;
      case "adopt":
        Adopt.encode(message.body.adopt, writer.uint32(18).fork()).ldelim();
        break;
      case "leave":
        Empty.encode(message.body.leave, writer.uint32(42).fork()).ldelim();
        break;
    }
    if (message.process !== "") {
      writer.uint32(26).string(message.process);
    }
    if (message.directory !== "") {
      writer.uint32(34).string(message.directory);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseShareRequest();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.body = { $case: "proof", proof: reader.string() };
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.body = { $case: "adopt", adopt: Adopt.decode(reader, reader.uint32()) };
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.body = { $case: "leave", leave: Empty.decode(reader, reader.uint32()) };
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.process = reader.string();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.directory = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseAdopt() {
  return { id: 0, file: "", ref: void 0 };
}
var Adopt = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.id !== 0) {
      writer.uint32(8).uint32(message.id);
    }
    if (message.file !== "") {
      writer.uint32(18).string(message.file);
    }
    if (message.ref !== void 0) {
      BlobRef.encode(message.ref, writer.uint32(26).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseAdopt();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.id = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.file = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.ref = BlobRef.decode(reader, reader.uint32());
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseShareAnswer() {
  return { body: void 0 };
}
var ShareAnswer = {
  encode(message, writer = _m0.Writer.create()) {
    switch (message.body?.$case) {
      case "offer":
        writer.uint32(10).string(message.body.offer);
        break;
      case "accepted":
        writer.uint32(18).string(message.body.accepted);
        break;
      case "adopted":
        Adopted.encode(message.body.adopted, writer.uint32(26).fork()).ldelim();
        break;
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseShareAnswer();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.body = { $case: "offer", offer: reader.string() };
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.body = { $case: "accepted", accepted: reader.string() };
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.body = { $case: "adopted", adopted: Adopted.decode(reader, reader.uint32()) };
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseAdopted() {
  return { id: 0, problem: "" };
}
var Adopted = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.id !== 0) {
      writer.uint32(8).uint32(message.id);
    }
    if (message.problem !== "") {
      writer.uint32(18).string(message.problem);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseAdopted();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.id = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.problem = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseWorkerInfo() {
  return {
    worker: 0,
    name: "",
    host: "",
    pid: 0,
    state: "",
    pool: void 0,
    free: [],
    running: 0,
    waiting: 0,
    connectedMs: 0,
    finished: 0,
    job: void 0,
    remainingMs: void 0
  };
}
var WorkerInfo = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.worker !== 0) {
      writer.uint32(8).uint32(message.worker);
    }
    if (message.name !== "") {
      writer.uint32(18).string(message.name);
    }
    if (message.host !== "") {
      writer.uint32(26).string(message.host);
    }
    if (message.pid !== 0) {
      writer.uint32(32).uint32(message.pid);
    }
    if (message.state !== "") {
      writer.uint32(42).string(message.state);
    }
    if (message.pool !== void 0) {
      Pool.encode(message.pool, writer.uint32(50).fork()).ldelim();
    }
    for (const v of message.free) {
      Demand_Amount.encode(v, writer.uint32(58).fork()).ldelim();
    }
    if (message.running !== 0) {
      writer.uint32(64).uint32(message.running);
    }
    if (message.waiting !== 0) {
      writer.uint32(72).uint32(message.waiting);
    }
    if (message.connectedMs !== 0) {
      writer.uint32(81).double(message.connectedMs);
    }
    if (message.finished !== 0) {
      writer.uint32(89).double(message.finished);
    }
    if (message.job !== void 0) {
      writer.uint32(98).string(message.job);
    }
    if (message.remainingMs !== void 0) {
      writer.uint32(105).double(message.remainingMs);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseWorkerInfo();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.worker = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.name = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.host = reader.string();
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.pid = reader.uint32();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.state = reader.string();
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.pool = Pool.decode(reader, reader.uint32());
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.free.push(Demand_Amount.decode(reader, reader.uint32()));
          continue;
        case 8:
          if (tag !== 64) {
            break;
          }
          message.running = reader.uint32();
          continue;
        case 9:
          if (tag !== 72) {
            break;
          }
          message.waiting = reader.uint32();
          continue;
        case 10:
          if (tag !== 81) {
            break;
          }
          message.connectedMs = reader.double();
          continue;
        case 11:
          if (tag !== 89) {
            break;
          }
          message.finished = reader.double();
          continue;
        case 12:
          if (tag !== 98) {
            break;
          }
          message.job = reader.string();
          continue;
        case 13:
          if (tag !== 105) {
            break;
          }
          message.remainingMs = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseQueueInfo() {
  return { session: 0, function: "", demand: "", prioritized: false, priority: 0, queued: 0, why: void 0 };
}
var QueueInfo = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.function !== "") {
      writer.uint32(18).string(message.function);
    }
    if (message.demand !== "") {
      writer.uint32(26).string(message.demand);
    }
    if (message.prioritized !== false) {
      writer.uint32(32).bool(message.prioritized);
    }
    if (message.priority !== 0) {
      writer.uint32(40).int32(message.priority);
    }
    if (message.queued !== 0) {
      writer.uint32(48).uint32(message.queued);
    }
    if (message.why !== void 0) {
      writer.uint32(58).string(message.why);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseQueueInfo();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.function = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.demand = reader.string();
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.prioritized = reader.bool();
          continue;
        case 5:
          if (tag !== 40) {
            break;
          }
          message.priority = reader.int32();
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.queued = reader.uint32();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.why = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSessionInfo() {
  return {
    session: 0,
    name: "",
    host: "",
    pid: 0,
    prioritized: false,
    queued: 0,
    running: 0,
    finished: 0,
    failed: 0,
    state: void 0,
    ageMs: void 0
  };
}
var SessionInfo = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.name !== "") {
      writer.uint32(18).string(message.name);
    }
    if (message.host !== "") {
      writer.uint32(26).string(message.host);
    }
    if (message.pid !== 0) {
      writer.uint32(32).uint32(message.pid);
    }
    if (message.prioritized !== false) {
      writer.uint32(40).bool(message.prioritized);
    }
    if (message.queued !== 0) {
      writer.uint32(48).uint32(message.queued);
    }
    if (message.running !== 0) {
      writer.uint32(56).uint32(message.running);
    }
    if (message.finished !== 0) {
      writer.uint32(65).double(message.finished);
    }
    if (message.failed !== 0) {
      writer.uint32(73).double(message.failed);
    }
    if (message.state !== void 0) {
      writer.uint32(82).string(message.state);
    }
    if (message.ageMs !== void 0) {
      writer.uint32(89).double(message.ageMs);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSessionInfo();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.name = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.host = reader.string();
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.pid = reader.uint32();
          continue;
        case 5:
          if (tag !== 40) {
            break;
          }
          message.prioritized = reader.bool();
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.queued = reader.uint32();
          continue;
        case 7:
          if (tag !== 56) {
            break;
          }
          message.running = reader.uint32();
          continue;
        case 8:
          if (tag !== 65) {
            break;
          }
          message.finished = reader.double();
          continue;
        case 9:
          if (tag !== 73) {
            break;
          }
          message.failed = reader.double();
          continue;
        case 10:
          if (tag !== 82) {
            break;
          }
          message.state = reader.string();
          continue;
        case 11:
          if (tag !== 89) {
            break;
          }
          message.ageMs = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseHeadStatus() {
  return {
    hello: void 0,
    uptimeMs: 0,
    workers: [],
    sessions: [],
    queues: [],
    lateResults: 0,
    clockMs: 0,
    swarm: void 0
  };
}
var HeadStatus = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.hello !== void 0) {
      Hello.encode(message.hello, writer.uint32(10).fork()).ldelim();
    }
    if (message.uptimeMs !== 0) {
      writer.uint32(17).double(message.uptimeMs);
    }
    for (const v of message.workers) {
      WorkerInfo.encode(v, writer.uint32(26).fork()).ldelim();
    }
    for (const v of message.sessions) {
      SessionInfo.encode(v, writer.uint32(34).fork()).ldelim();
    }
    for (const v of message.queues) {
      QueueInfo.encode(v, writer.uint32(42).fork()).ldelim();
    }
    if (message.lateResults !== 0) {
      writer.uint32(49).double(message.lateResults);
    }
    if (message.clockMs !== 0) {
      writer.uint32(57).double(message.clockMs);
    }
    if (message.swarm !== void 0) {
      writer.uint32(66).string(message.swarm);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseHeadStatus();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.hello = Hello.decode(reader, reader.uint32());
          continue;
        case 2:
          if (tag !== 17) {
            break;
          }
          message.uptimeMs = reader.double();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.workers.push(WorkerInfo.decode(reader, reader.uint32()));
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.sessions.push(SessionInfo.decode(reader, reader.uint32()));
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.queues.push(QueueInfo.decode(reader, reader.uint32()));
          continue;
        case 6:
          if (tag !== 49) {
            break;
          }
          message.lateResults = reader.double();
          continue;
        case 7:
          if (tag !== 57) {
            break;
          }
          message.clockMs = reader.double();
          continue;
        case 8:
          if (tag !== 66) {
            break;
          }
          message.swarm = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExplainQuery() {
  return { session: 0, task: 0 };
}
var ExplainQuery = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.task !== 0) {
      writer.uint32(16).uint32(message.task);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExplainQuery();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.task = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSessionQuery() {
  return { session: 0 };
}
var SessionQuery = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSessionQuery();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSessionExplanation() {
  return { tasks: [], known: false };
}
var SessionExplanation = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.tasks) {
      Explanation.encode(v, writer.uint32(10).fork()).ldelim();
    }
    if (message.known !== false) {
      writer.uint32(16).bool(message.known);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSessionExplanation();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.tasks.push(Explanation.decode(reader, reader.uint32()));
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.known = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSessionDetail() {
  return { session: void 0, functions: [], failures: [], errors: false };
}
var SessionDetail = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== void 0) {
      SessionInfo.encode(message.session, writer.uint32(10).fork()).ldelim();
    }
    for (const v of message.functions) {
      SessionDetail_FunctionInfo.encode(v, writer.uint32(18).fork()).ldelim();
    }
    for (const v of message.failures) {
      SessionDetail_FailedTask.encode(v, writer.uint32(26).fork()).ldelim();
    }
    if (message.errors !== false) {
      writer.uint32(32).bool(message.errors);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSessionDetail();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.session = SessionInfo.decode(reader, reader.uint32());
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.functions.push(SessionDetail_FunctionInfo.decode(reader, reader.uint32()));
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.failures.push(SessionDetail_FailedTask.decode(reader, reader.uint32()));
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.errors = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSessionDetail_FunctionInfo() {
  return {
    function: "",
    demand: "",
    prioritized: false,
    priority: 0,
    queued: 0,
    delayed: 0,
    ahead: 0,
    running: 0,
    finished: 0,
    failed: 0,
    meanMs: void 0,
    why: ""
  };
}
var SessionDetail_FunctionInfo = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.function !== "") {
      writer.uint32(10).string(message.function);
    }
    if (message.demand !== "") {
      writer.uint32(18).string(message.demand);
    }
    if (message.prioritized !== false) {
      writer.uint32(24).bool(message.prioritized);
    }
    if (message.priority !== 0) {
      writer.uint32(32).int32(message.priority);
    }
    if (message.queued !== 0) {
      writer.uint32(40).uint32(message.queued);
    }
    if (message.delayed !== 0) {
      writer.uint32(48).uint32(message.delayed);
    }
    if (message.ahead !== 0) {
      writer.uint32(56).uint32(message.ahead);
    }
    if (message.running !== 0) {
      writer.uint32(64).uint32(message.running);
    }
    if (message.finished !== 0) {
      writer.uint32(73).double(message.finished);
    }
    if (message.failed !== 0) {
      writer.uint32(81).double(message.failed);
    }
    if (message.meanMs !== void 0) {
      writer.uint32(89).double(message.meanMs);
    }
    if (message.why !== "") {
      writer.uint32(98).string(message.why);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSessionDetail_FunctionInfo();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.function = reader.string();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.demand = reader.string();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.prioritized = reader.bool();
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.priority = reader.int32();
          continue;
        case 5:
          if (tag !== 40) {
            break;
          }
          message.queued = reader.uint32();
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.delayed = reader.uint32();
          continue;
        case 7:
          if (tag !== 56) {
            break;
          }
          message.ahead = reader.uint32();
          continue;
        case 8:
          if (tag !== 64) {
            break;
          }
          message.running = reader.uint32();
          continue;
        case 9:
          if (tag !== 73) {
            break;
          }
          message.finished = reader.double();
          continue;
        case 10:
          if (tag !== 81) {
            break;
          }
          message.failed = reader.double();
          continue;
        case 11:
          if (tag !== 89) {
            break;
          }
          message.meanMs = reader.double();
          continue;
        case 12:
          if (tag !== 98) {
            break;
          }
          message.why = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseSessionDetail_FailedTask() {
  return { task: 0, function: "", attempt: 0, kind: 0, message: "", worker: "", agoMs: 0 };
}
var SessionDetail_FailedTask = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.task !== 0) {
      writer.uint32(8).uint32(message.task);
    }
    if (message.function !== "") {
      writer.uint32(18).string(message.function);
    }
    if (message.attempt !== 0) {
      writer.uint32(24).uint32(message.attempt);
    }
    if (message.kind !== 0) {
      writer.uint32(32).int32(message.kind);
    }
    if (message.message !== "") {
      writer.uint32(42).string(message.message);
    }
    if (message.worker !== "") {
      writer.uint32(50).string(message.worker);
    }
    if (message.agoMs !== 0) {
      writer.uint32(57).double(message.agoMs);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseSessionDetail_FailedTask();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.task = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.function = reader.string();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.attempt = reader.uint32();
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.kind = reader.int32();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.message = reader.string();
          continue;
        case 6:
          if (tag !== 50) {
            break;
          }
          message.worker = reader.string();
          continue;
        case 7:
          if (tag !== 57) {
            break;
          }
          message.agoMs = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseCancelQuery() {
  return { session: 0, task: void 0, by: "" };
}
var CancelQuery = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.task !== void 0) {
      writer.uint32(16).uint32(message.task);
    }
    if (message.by !== "") {
      writer.uint32(26).string(message.by);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseCancelQuery();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.task = reader.uint32();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.by = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseCancelAnswer() {
  return { known: false, tasks: 0 };
}
var CancelAnswer = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.known !== false) {
      writer.uint32(8).bool(message.known);
    }
    if (message.tasks !== 0) {
      writer.uint32(17).double(message.tasks);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseCancelAnswer();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.known = reader.bool();
          continue;
        case 2:
          if (tag !== 17) {
            break;
          }
          message.tasks = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExplanation() {
  return {
    text: "",
    session: 0,
    task: 0,
    state: "",
    function: "",
    attempt: 0,
    workers: [],
    sinceMs: void 0,
    connected: 0,
    alternatives: [],
    reservation: void 0,
    urgent: [],
    before: 0,
    sessions: []
  };
}
var Explanation = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.text !== "") {
      writer.uint32(10).string(message.text);
    }
    if (message.session !== 0) {
      writer.uint32(16).uint32(message.session);
    }
    if (message.task !== 0) {
      writer.uint32(24).uint32(message.task);
    }
    if (message.state !== "") {
      writer.uint32(34).string(message.state);
    }
    if (message.function !== "") {
      writer.uint32(42).string(message.function);
    }
    if (message.attempt !== 0) {
      writer.uint32(48).uint32(message.attempt);
    }
    for (const v of message.workers) {
      writer.uint32(58).string(v);
    }
    if (message.sinceMs !== void 0) {
      writer.uint32(65).double(message.sinceMs);
    }
    if (message.connected !== 0) {
      writer.uint32(72).uint32(message.connected);
    }
    for (const v of message.alternatives) {
      Explanation_Alternative.encode(v, writer.uint32(82).fork()).ldelim();
    }
    if (message.reservation !== void 0) {
      Explanation_Reservation.encode(message.reservation, writer.uint32(90).fork()).ldelim();
    }
    for (const v of message.urgent) {
      Explanation_Urgent.encode(v, writer.uint32(98).fork()).ldelim();
    }
    if (message.before !== 0) {
      writer.uint32(104).uint32(message.before);
    }
    for (const v of message.sessions) {
      Explanation_Share.encode(v, writer.uint32(114).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExplanation();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.text = reader.string();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.task = reader.uint32();
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.state = reader.string();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.function = reader.string();
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.attempt = reader.uint32();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.workers.push(reader.string());
          continue;
        case 8:
          if (tag !== 65) {
            break;
          }
          message.sinceMs = reader.double();
          continue;
        case 9:
          if (tag !== 72) {
            break;
          }
          message.connected = reader.uint32();
          continue;
        case 10:
          if (tag !== 82) {
            break;
          }
          message.alternatives.push(Explanation_Alternative.decode(reader, reader.uint32()));
          continue;
        case 11:
          if (tag !== 90) {
            break;
          }
          message.reservation = Explanation_Reservation.decode(reader, reader.uint32());
          continue;
        case 12:
          if (tag !== 98) {
            break;
          }
          message.urgent.push(Explanation_Urgent.decode(reader, reader.uint32()));
          continue;
        case 13:
          if (tag !== 104) {
            break;
          }
          message.before = reader.uint32();
          continue;
        case 14:
          if (tag !== 114) {
            break;
          }
          message.sessions.push(Explanation_Share.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExplanation_Alternative() {
  return { demand: "", never: [], closest: "", able: 0, room: [], moreRoom: 0, obstacles: [] };
}
var Explanation_Alternative = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.demand !== "") {
      writer.uint32(10).string(message.demand);
    }
    for (const v of message.never) {
      writer.uint32(18).string(v);
    }
    if (message.closest !== "") {
      writer.uint32(26).string(message.closest);
    }
    if (message.able !== 0) {
      writer.uint32(32).uint32(message.able);
    }
    for (const v of message.room) {
      writer.uint32(42).string(v);
    }
    if (message.moreRoom !== 0) {
      writer.uint32(48).uint32(message.moreRoom);
    }
    for (const v of message.obstacles) {
      Explanation_Obstacle.encode(v, writer.uint32(58).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExplanation_Alternative();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.demand = reader.string();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.never.push(reader.string());
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.closest = reader.string();
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.able = reader.uint32();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.room.push(reader.string());
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.moreRoom = reader.uint32();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.obstacles.push(Explanation_Obstacle.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExplanation_Obstacle() {
  return { type: "", name: "", workers: [], others: 0, needed: 0, there: 0, able: 0, reservation: void 0 };
}
var Explanation_Obstacle = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.type !== "") {
      writer.uint32(10).string(message.type);
    }
    if (message.name !== "") {
      writer.uint32(18).string(message.name);
    }
    for (const v of message.workers) {
      Explanation_OnWorker.encode(v, writer.uint32(26).fork()).ldelim();
    }
    if (message.others !== 0) {
      writer.uint32(32).uint32(message.others);
    }
    if (message.needed !== 0) {
      writer.uint32(41).double(message.needed);
    }
    if (message.there !== 0) {
      writer.uint32(49).double(message.there);
    }
    if (message.able !== 0) {
      writer.uint32(57).double(message.able);
    }
    if (message.reservation !== void 0) {
      Explanation_Reservation.encode(message.reservation, writer.uint32(66).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExplanation_Obstacle();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.type = reader.string();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.name = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.workers.push(Explanation_OnWorker.decode(reader, reader.uint32()));
          continue;
        case 4:
          if (tag !== 32) {
            break;
          }
          message.others = reader.uint32();
          continue;
        case 5:
          if (tag !== 41) {
            break;
          }
          message.needed = reader.double();
          continue;
        case 6:
          if (tag !== 49) {
            break;
          }
          message.there = reader.double();
          continue;
        case 7:
          if (tag !== 57) {
            break;
          }
          message.able = reader.double();
          continue;
        case 8:
          if (tag !== 66) {
            break;
          }
          message.reservation = Explanation_Reservation.decode(reader, reader.uint32());
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExplanation_OnWorker() {
  return { worker: "", needed: 0, free: 0, total: 0 };
}
var Explanation_OnWorker = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.worker !== "") {
      writer.uint32(10).string(message.worker);
    }
    if (message.needed !== 0) {
      writer.uint32(17).double(message.needed);
    }
    if (message.free !== 0) {
      writer.uint32(25).double(message.free);
    }
    if (message.total !== 0) {
      writer.uint32(33).double(message.total);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExplanation_OnWorker();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.worker = reader.string();
          continue;
        case 2:
          if (tag !== 17) {
            break;
          }
          message.needed = reader.double();
          continue;
        case 3:
          if (tag !== 25) {
            break;
          }
          message.free = reader.double();
          continue;
        case 4:
          if (tag !== 33) {
            break;
          }
          message.total = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExplanation_Reservation() {
  return { session: 0, function: "", workers: [], expectedMs: void 0 };
}
var Explanation_Reservation = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.function !== "") {
      writer.uint32(18).string(message.function);
    }
    for (const v of message.workers) {
      writer.uint32(26).string(v);
    }
    if (message.expectedMs !== void 0) {
      writer.uint32(33).double(message.expectedMs);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExplanation_Reservation();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.function = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.workers.push(reader.string());
          continue;
        case 4:
          if (tag !== 33) {
            break;
          }
          message.expectedMs = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExplanation_Urgent() {
  return { prioritized: false, priority: 0, tasks: 0 };
}
var Explanation_Urgent = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.prioritized !== false) {
      writer.uint32(8).bool(message.prioritized);
    }
    if (message.priority !== 0) {
      writer.uint32(16).int32(message.priority);
    }
    if (message.tasks !== 0) {
      writer.uint32(24).uint32(message.tasks);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExplanation_Urgent();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.prioritized = reader.bool();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.priority = reader.int32();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.tasks = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseExplanation_Share() {
  return { session: 0, name: "", tasks: 0 };
}
var Explanation_Share = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.session !== 0) {
      writer.uint32(8).uint32(message.session);
    }
    if (message.name !== "") {
      writer.uint32(18).string(message.name);
    }
    if (message.tasks !== 0) {
      writer.uint32(24).uint32(message.tasks);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseExplanation_Share();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.session = reader.uint32();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.name = reader.string();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.tasks = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseAccessQuery() {
  return { rpc: "" };
}
var AccessQuery = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.rpc !== "") {
      writer.uint32(10).string(message.rpc);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseAccessQuery();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.rpc = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseAccessAnswer() {
  return { credential: "", role: "" };
}
var AccessAnswer = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.credential !== "") {
      writer.uint32(10).string(message.credential);
    }
    if (message.role !== "") {
      writer.uint32(18).string(message.role);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseAccessAnswer();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.credential = reader.string();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.role = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseCacheQuery() {
  return { pattern: "" };
}
var CacheQuery = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.pattern !== "") {
      writer.uint32(10).string(message.pattern);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseCacheQuery();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.pattern = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseCacheEntry() {
  return { id: "", owner: "", function: "", byteLength: 0, storedMs: 0, usedMs: 0, detached: "" };
}
var CacheEntry = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.id !== "") {
      writer.uint32(10).string(message.id);
    }
    if (message.owner !== "") {
      writer.uint32(18).string(message.owner);
    }
    if (message.function !== "") {
      writer.uint32(26).string(message.function);
    }
    if (message.byteLength !== 0) {
      writer.uint32(33).double(message.byteLength);
    }
    if (message.storedMs !== 0) {
      writer.uint32(41).double(message.storedMs);
    }
    if (message.usedMs !== 0) {
      writer.uint32(49).double(message.usedMs);
    }
    if (message.detached !== "") {
      writer.uint32(58).string(message.detached);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseCacheEntry();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.id = reader.string();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.owner = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.function = reader.string();
          continue;
        case 4:
          if (tag !== 33) {
            break;
          }
          message.byteLength = reader.double();
          continue;
        case 5:
          if (tag !== 41) {
            break;
          }
          message.storedMs = reader.double();
          continue;
        case 6:
          if (tag !== 49) {
            break;
          }
          message.usedMs = reader.double();
          continue;
        case 7:
          if (tag !== 58) {
            break;
          }
          message.detached = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseCacheAnswer() {
  return { entries: [], stores: false, limitBytes: 0, count: 0, byteLength: 0 };
}
var CacheAnswer = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.entries) {
      CacheEntry.encode(v, writer.uint32(10).fork()).ldelim();
    }
    if (message.stores !== false) {
      writer.uint32(16).bool(message.stores);
    }
    if (message.limitBytes !== 0) {
      writer.uint32(25).double(message.limitBytes);
    }
    if (message.count !== 0) {
      writer.uint32(33).double(message.count);
    }
    if (message.byteLength !== 0) {
      writer.uint32(41).double(message.byteLength);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseCacheAnswer();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.entries.push(CacheEntry.decode(reader, reader.uint32()));
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.stores = reader.bool();
          continue;
        case 3:
          if (tag !== 25) {
            break;
          }
          message.limitBytes = reader.double();
          continue;
        case 4:
          if (tag !== 33) {
            break;
          }
          message.count = reader.double();
          continue;
        case 5:
          if (tag !== 41) {
            break;
          }
          message.byteLength = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseQuitRequest() {
  return { workers: [], kill: false, reason: "" };
}
var QuitRequest = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.workers) {
      writer.uint32(10).string(v);
    }
    if (message.kill !== false) {
      writer.uint32(16).bool(message.kill);
    }
    if (message.reason !== "") {
      writer.uint32(26).string(message.reason);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseQuitRequest();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.workers.push(reader.string());
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.kill = reader.bool();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.reason = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseQuitAnswer() {
  return { told: [], cutOff: [] };
}
var QuitAnswer = {
  encode(message, writer = _m0.Writer.create()) {
    for (const v of message.told) {
      writer.uint32(10).string(v);
    }
    for (const v of message.cutOff) {
      writer.uint32(18).string(v);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseQuitAnswer();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.told.push(reader.string());
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.cutOff.push(reader.string());
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseScaleRequest() {
  return { change: void 0 };
}
var ScaleRequest = {
  encode(message, writer = _m0.Writer.create()) {
    switch (message.change?.$case) {
      case "fixed":
        ScaleRequest_Fixed.encode(message.change.fixed, writer.uint32(10).fork()).ldelim();
        break;
      case "demand":
        ScaleRequest_Demand.encode(message.change.demand, writer.uint32(18).fork()).ldelim();
        break;
      case "stop":
        ScaleRequest_Stop.encode(message.change.stop, writer.uint32(26).fork()).ldelim();
        break;
      case "resume":
        Empty.encode(message.change.resume, writer.uint32(34).fork()).ldelim();
        break;
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseScaleRequest();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.change = { $case: "fixed", fixed: ScaleRequest_Fixed.decode(reader, reader.uint32()) };
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.change = { $case: "demand", demand: ScaleRequest_Demand.decode(reader, reader.uint32()) };
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.change = { $case: "stop", stop: ScaleRequest_Stop.decode(reader, reader.uint32()) };
          continue;
        case 4:
          if (tag !== 34) {
            break;
          }
          message.change = { $case: "resume", resume: Empty.decode(reader, reader.uint32()) };
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseScaleRequest_Fixed() {
  return { workers: 0 };
}
var ScaleRequest_Fixed = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.workers !== 0) {
      writer.uint32(8).uint32(message.workers);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseScaleRequest_Fixed();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.workers = reader.uint32();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseScaleRequest_Demand() {
  return { min: void 0, max: void 0, idleMs: void 0 };
}
var ScaleRequest_Demand = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.min !== void 0) {
      writer.uint32(8).uint32(message.min);
    }
    if (message.max !== void 0) {
      writer.uint32(16).uint32(message.max);
    }
    if (message.idleMs !== void 0) {
      writer.uint32(25).double(message.idleMs);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseScaleRequest_Demand();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.min = reader.uint32();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.max = reader.uint32();
          continue;
        case 3:
          if (tag !== 25) {
            break;
          }
          message.idleMs = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseScaleRequest_Stop() {
  return { cancel: false };
}
var ScaleRequest_Stop = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.cancel !== false) {
      writer.uint32(8).bool(message.cancel);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseScaleRequest_Stop();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 8) {
            break;
          }
          message.cancel = reader.bool();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseScaleStatus() {
  return {
    mode: "",
    min: 0,
    max: 0,
    idleMs: 0,
    system: "",
    workers: 0,
    idle: 0,
    leaving: 0,
    ending: 0,
    queued: 0,
    starting: 0,
    others: 0,
    wanted: 0,
    ready: 0,
    worker: "",
    probing: false,
    unfit: [],
    pause: void 0,
    retryMs: 0,
    quota: 0,
    problem: "",
    warnings: [],
    configFile: "",
    refused: "",
    decisions: []
  };
}
var ScaleStatus = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.mode !== "") {
      writer.uint32(10).string(message.mode);
    }
    if (message.min !== 0) {
      writer.uint32(16).uint32(message.min);
    }
    if (message.max !== 0) {
      writer.uint32(24).uint32(message.max);
    }
    if (message.idleMs !== 0) {
      writer.uint32(33).double(message.idleMs);
    }
    if (message.system !== "") {
      writer.uint32(42).string(message.system);
    }
    if (message.workers !== 0) {
      writer.uint32(48).uint32(message.workers);
    }
    if (message.idle !== 0) {
      writer.uint32(56).uint32(message.idle);
    }
    if (message.leaving !== 0) {
      writer.uint32(64).uint32(message.leaving);
    }
    if (message.ending !== 0) {
      writer.uint32(72).uint32(message.ending);
    }
    if (message.queued !== 0) {
      writer.uint32(80).uint32(message.queued);
    }
    if (message.starting !== 0) {
      writer.uint32(88).uint32(message.starting);
    }
    if (message.others !== 0) {
      writer.uint32(96).uint32(message.others);
    }
    if (message.wanted !== 0) {
      writer.uint32(104).uint32(message.wanted);
    }
    if (message.ready !== 0) {
      writer.uint32(112).uint32(message.ready);
    }
    if (message.worker !== "") {
      writer.uint32(122).string(message.worker);
    }
    if (message.probing !== false) {
      writer.uint32(128).bool(message.probing);
    }
    for (const v of message.unfit) {
      ScaleStatus_Unfit.encode(v, writer.uint32(138).fork()).ldelim();
    }
    if (message.pause !== void 0) {
      ScaleStatus_Pause.encode(message.pause, writer.uint32(146).fork()).ldelim();
    }
    if (message.retryMs !== 0) {
      writer.uint32(153).double(message.retryMs);
    }
    if (message.quota !== 0) {
      writer.uint32(161).double(message.quota);
    }
    if (message.problem !== "") {
      writer.uint32(170).string(message.problem);
    }
    for (const v of message.warnings) {
      writer.uint32(178).string(v);
    }
    if (message.configFile !== "") {
      writer.uint32(202).string(message.configFile);
    }
    if (message.refused !== "") {
      writer.uint32(194).string(message.refused);
    }
    for (const v of message.decisions) {
      ScaleStatus_Entry.encode(v, writer.uint32(186).fork()).ldelim();
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseScaleStatus();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.mode = reader.string();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.min = reader.uint32();
          continue;
        case 3:
          if (tag !== 24) {
            break;
          }
          message.max = reader.uint32();
          continue;
        case 4:
          if (tag !== 33) {
            break;
          }
          message.idleMs = reader.double();
          continue;
        case 5:
          if (tag !== 42) {
            break;
          }
          message.system = reader.string();
          continue;
        case 6:
          if (tag !== 48) {
            break;
          }
          message.workers = reader.uint32();
          continue;
        case 7:
          if (tag !== 56) {
            break;
          }
          message.idle = reader.uint32();
          continue;
        case 8:
          if (tag !== 64) {
            break;
          }
          message.leaving = reader.uint32();
          continue;
        case 9:
          if (tag !== 72) {
            break;
          }
          message.ending = reader.uint32();
          continue;
        case 10:
          if (tag !== 80) {
            break;
          }
          message.queued = reader.uint32();
          continue;
        case 11:
          if (tag !== 88) {
            break;
          }
          message.starting = reader.uint32();
          continue;
        case 12:
          if (tag !== 96) {
            break;
          }
          message.others = reader.uint32();
          continue;
        case 13:
          if (tag !== 104) {
            break;
          }
          message.wanted = reader.uint32();
          continue;
        case 14:
          if (tag !== 112) {
            break;
          }
          message.ready = reader.uint32();
          continue;
        case 15:
          if (tag !== 122) {
            break;
          }
          message.worker = reader.string();
          continue;
        case 16:
          if (tag !== 128) {
            break;
          }
          message.probing = reader.bool();
          continue;
        case 17:
          if (tag !== 138) {
            break;
          }
          message.unfit.push(ScaleStatus_Unfit.decode(reader, reader.uint32()));
          continue;
        case 18:
          if (tag !== 146) {
            break;
          }
          message.pause = ScaleStatus_Pause.decode(reader, reader.uint32());
          continue;
        case 19:
          if (tag !== 153) {
            break;
          }
          message.retryMs = reader.double();
          continue;
        case 20:
          if (tag !== 161) {
            break;
          }
          message.quota = reader.double();
          continue;
        case 21:
          if (tag !== 170) {
            break;
          }
          message.problem = reader.string();
          continue;
        case 22:
          if (tag !== 178) {
            break;
          }
          message.warnings.push(reader.string());
          continue;
        case 25:
          if (tag !== 202) {
            break;
          }
          message.configFile = reader.string();
          continue;
        case 24:
          if (tag !== 194) {
            break;
          }
          message.refused = reader.string();
          continue;
        case 23:
          if (tag !== 186) {
            break;
          }
          message.decisions.push(ScaleStatus_Entry.decode(reader, reader.uint32()));
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseScaleStatus_Unfit() {
  return { demand: "", tasks: 0, reason: "" };
}
var ScaleStatus_Unfit = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.demand !== "") {
      writer.uint32(10).string(message.demand);
    }
    if (message.tasks !== 0) {
      writer.uint32(16).uint32(message.tasks);
    }
    if (message.reason !== "") {
      writer.uint32(26).string(message.reason);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseScaleStatus_Unfit();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.demand = reader.string();
          continue;
        case 2:
          if (tag !== 16) {
            break;
          }
          message.tasks = reader.uint32();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.reason = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseScaleStatus_Entry() {
  return { agoMs: 0, text: "" };
}
var ScaleStatus_Entry = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.agoMs !== 0) {
      writer.uint32(9).double(message.agoMs);
    }
    if (message.text !== "") {
      writer.uint32(18).string(message.text);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseScaleStatus_Entry();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 9) {
            break;
          }
          message.agoMs = reader.double();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.text = reader.string();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};
function createBaseScaleStatus_Pause() {
  return { why: "", logFile: "", lastLine: "", agoMs: 0 };
}
var ScaleStatus_Pause = {
  encode(message, writer = _m0.Writer.create()) {
    if (message.why !== "") {
      writer.uint32(10).string(message.why);
    }
    if (message.logFile !== "") {
      writer.uint32(18).string(message.logFile);
    }
    if (message.lastLine !== "") {
      writer.uint32(26).string(message.lastLine);
    }
    if (message.agoMs !== 0) {
      writer.uint32(33).double(message.agoMs);
    }
    return writer;
  },
  decode(input, length) {
    const reader = input instanceof _m0.Reader ? input : _m0.Reader.create(input);
    let end = length === void 0 ? reader.len : reader.pos + length;
    const message = createBaseScaleStatus_Pause();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case 1:
          if (tag !== 10) {
            break;
          }
          message.why = reader.string();
          continue;
        case 2:
          if (tag !== 18) {
            break;
          }
          message.logFile = reader.string();
          continue;
        case 3:
          if (tag !== 26) {
            break;
          }
          message.lastLine = reader.string();
          continue;
        case 4:
          if (tag !== 33) {
            break;
          }
          message.agoMs = reader.double();
          continue;
      }
      if ((tag & 7) === 4 || tag === 0) {
        break;
      }
      reader.skipType(tag & 7);
    }
    return message;
  }
};

// proto/link/grpc/services.ts
var Malformed = class {
  why;
  constructor(why) {
    this.why = why;
  }
};
function tolerant({ encode, decode }) {
  return {
    encode,
    decode(bytes) {
      try {
        return decode(bytes);
      } catch (error) {
        return new Malformed(messageOf(error));
      }
    }
  };
}
function method(path, request, response, requestStream, responseStream) {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (value) => request.encode(value).finish(),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (value) => response.encode(value).finish(),
    responseDeserialize: (bytes) => response.decode(bytes)
  };
}
function stream(path, request, response) {
  return method(path, tolerant(request), tolerant(response), true, true);
}
var schedulingService = {
  session: stream("/grain.v1.Scheduling/Session", ClientBatch, HeadToClientBatch),
  work: stream("/grain.v1.Scheduling/Work", WorkerBatch, HeadToWorkerBatch)
};
var blobsService = {
  missing: method("/grain.v1.Blobs/Missing", BlobQuery, BlobAnswer, false, false),
  put: method("/grain.v1.Blobs/Put", BlobChunk, Empty, true, false),
  get: method("/grain.v1.Blobs/Get", BlobRef, BlobChunk, false, true),
  share: method("/grain.v1.Blobs/Share", ShareRequest, ShareAnswer, true, true)
};
var adminService = {
  status: method("/grain.v1.Admin/Status", Empty, HeadStatus, false, false),
  explain: method("/grain.v1.Admin/Explain", ExplainQuery, Explanation, false, false),
  explainSession: method("/grain.v1.Admin/ExplainSession", SessionQuery, SessionExplanation, false, false),
  session: method("/grain.v1.Admin/Session", SessionQuery, SessionDetail, false, false),
  cancel: method("/grain.v1.Admin/Cancel", CancelQuery, CancelAnswer, false, false),
  access: method("/grain.v1.Admin/Access", AccessQuery, AccessAnswer, false, false),
  cacheList: method("/grain.v1.Admin/CacheList", CacheQuery, CacheAnswer, false, false),
  cacheRemove: method("/grain.v1.Admin/CacheRemove", CacheQuery, CacheAnswer, false, false),
  quit: method("/grain.v1.Admin/Quit", QuitRequest, QuitAnswer, false, false),
  scale: method("/grain.v1.Admin/Scale", ScaleRequest, ScaleStatus, false, false),
  explainScale: method("/grain.v1.Admin/ExplainScale", Empty, ScaleStatus, false, false)
};
var HealthAnswer = {
  encode: ({ isServing }) => protobuf.Writer.create().uint32(8).int32(isServing ? 1 : 2),
  decode(bytes) {
    const reader = protobuf.Reader.create(bytes);
    let status2 = 0;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 8) status2 = reader.int32();
      else reader.skipType(tag & 7);
    }
    return { isServing: status2 === 1 };
  }
};
var healthService = {
  check: method("/grpc.health.v1.Health/Check", Empty, HealthAnswer, false, false)
};
var MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

// proto/link/grpc/share.ts
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join as join2 } from "node:path";
var PROOF_BYTES = 64;
var GrpcFiles = class _GrpcFiles {
  #call;
  #root;
  #adopting = /* @__PURE__ */ new Map();
  #lost = () => {
  };
  #settle = () => {
  };
  /** The name of its own directory; before it has one, that of a stream that was lost. */
  #name;
  #directory = "";
  #path = "";
  #ids = 0;
  #over = false;
  constructor(call, root, name) {
    this.#call = call;
    this.#root = root;
    this.#name = name;
  }
  /**
   * Asks the head.
   *
   * @param root where this machine's shared directories are
   * @param name of the directory that it had before its stream was lost; empty: it had none
   * @param lost told once when the stream of files that were had has ended, by whatever but `close`
   * @returns undefined when the head shares none, or not with this machine or user; `cancel` gives up asking
   */
  static open(client, root, name, lost) {
    const { path, requestSerialize, responseDeserialize } = blobsService.share;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const files = new _GrpcFiles(call, root, name);
    const found = new Promise((resolve2) => {
      files.#settle = (found2) => {
        if (found2 !== void 0) files.#lost = lost;
        resolve2(found2);
      };
      call.on("data", (answer) => files.#take(answer));
      call.on("error", () => files.#end());
      call.on("end", () => files.#end());
    });
    return { files: found, cancel: () => files.abandon() };
  }
  get directory() {
    return this.#directory;
  }
  /** The name of its directory, by which another stream may come back to it. */
  get name() {
    return this.#name;
  }
  /** Whether the stream has ended. */
  get over() {
    return this.#over;
  }
  pathOf(hash) {
    if (!isBlobName(hash)) throw new Error(`"${hash}" does not name a value`);
    return join2(this.#path, "values", hash);
  }
  adopt(ref, file) {
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve2, reject) => {
      if (this.#over) return reject(gone());
      this.#adopting.set(id, { resolve: resolve2, reject });
      const body = { $case: "adopt", adopt: { id, file, ref } };
      this.#call.write({ body, process: "", directory: "" });
    });
  }
  /** Gives the directory up. */
  close() {
    this.#lost = () => {
    };
    if (!this.#over) {
      this.#call.write({ body: { $case: "leave", leave: {} }, process: "", directory: "" });
      this.#call.end();
    }
    this.#settled();
  }
  /** The head is to be reached by another way: the directory is kept for that. */
  abandon() {
    this.#lost = () => {
    };
    this.#end();
  }
  #take({ body }) {
    switch (body?.$case) {
      case "offer":
        return void this.#prove(body.offer);
      case "accepted":
        if (!isFileName(body.accepted) || this.#path === "") return this.#end();
        this.#name = body.accepted;
        this.#directory = join2(this.#path, "peers", body.accepted);
        return this.#settle(this);
      case "adopted": {
        const { id, problem } = body.adopted;
        const waiting = this.#adopting.get(id);
        this.#adopting.delete(id);
        if (problem === "") waiting?.resolve();
        else waiting?.reject(new ConnectionError(`The head refuses a value: ${problem}`));
        return;
      }
      case void 0:
        return;
      default:
        body;
    }
  }
  async #prove(name) {
    const path = privateAt(this.#root, name);
    const proof = path === void 0 ? void 0 : await readProof(join2(path, "proof"));
    if (path === void 0 || proof === void 0) return this.#end();
    this.#path = path;
    const body = { $case: "proof", proof };
    if (!this.#over) this.#call.write({ body, process: ownProcess(), directory: this.#name });
  }
  #end() {
    if (this.#over) return;
    this.#call.cancel();
    this.#settled();
  }
  #settled() {
    if (this.#over) return;
    this.#over = true;
    this.#settle(void 0);
    this.#lost();
    for (const { reject } of this.#adopting.values()) reject(gone());
    this.#adopting.clear();
  }
};
function gone() {
  return new ConnectionError("The connection to the head was lost while a value was handed over.");
}
async function readProof(path) {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PROOF_BYTES), 0, PROOF_BYTES, 0);
      return buffer.toString("latin1", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return void 0;
  }
}

// proto/link/grpc/blobs.ts
var CHUNK_BYTES = 1024 * 1024;
var SHARE_AGAIN_MS = 6e4;
var DOWN_WINDOW_BYTES = 16 * CHUNK_BYTES;
var GrpcBlobs = class {
  #target;
  #address;
  #credentials;
  #options;
  #root;
  #clients = /* @__PURE__ */ new Map();
  #sharing;
  /** The directory that was had last: a head may give it back. */
  #name = "";
  /** Their stream may be over. */
  #files;
  #closed = new AbortController();
  #underWay = /* @__PURE__ */ new Set();
  /** @param root where shared directories of this machine are; undefined: values are not shared */
  constructor(target, address, credentials, options, root = sharedRoot()) {
    this.#target = target;
    this.#address = address;
    this.#credentials = credentials;
    this.#options = options;
    this.#root = root;
  }
  /**
   * From now on there is another connection, to the head here. What is under way over the one before is
   * cut off: a connection that was reset may look alive for as long as its keepalive takes.
   */
  move(target, address, credentials, options) {
    this.#target = target;
    this.#address = address;
    this.#credentials = credentials;
    this.#options = options;
    this.#files?.abandon();
    this.#sharing = void 0;
    this.#closeClients();
    for (const call of [...this.#underWay]) call.cancel();
  }
  get files() {
    return this.#files?.over === false ? this.#files : void 0;
  }
  async share() {
    if (this.#root === void 0 || this.#closed.signal.aborted) return void 0;
    if (this.#files?.over === true) {
      this.#name = this.#files.name;
      this.#files = void 0;
      this.#sharing = void 0;
    }
    this.#sharing ??= this.#openFiles(this.#root);
    const sharing = this.#sharing;
    const files = await sharing;
    if (sharing !== this.#sharing) files?.abandon();
    else if (files !== void 0) this.#files = files;
    else if (this.#name !== "") this.#sharing = void 0;
    return this.files;
  }
  async #openFiles(root) {
    const opening = GrpcFiles.open(this.#open("up"), root, this.#name, () => void this.#shareAgain());
    const ended = this.#during(opening);
    try {
      return await opening.files;
    } finally {
      ended();
    }
  }
  /** A call is under way. @returns to be called at its end */
  #during(call) {
    this.#underWay.add(call);
    return () => this.#underWay.delete(call);
  }
  /** The stream was lost: while the directory is kept for this process, it is taken up again. */
  async #shareAgain() {
    const { signal } = this.#closed;
    await persist(
      async () => {
        if (await this.share() !== void 0 || signal.aborted) return { type: "done", value: void 0 };
        return { type: "failed", reason: "the head shares no files" };
      },
      { giveUpMs: SHARE_AGAIN_MS, signal }
    );
  }
  missing(hashes) {
    const { path, requestSerialize, responseDeserialize } = blobsService.missing;
    return new Promise((resolve2, reject) => {
      const call = this.#open("up").makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { hashes: [...hashes] },
        (error, answer) => {
          ended();
          if (error) reject(this.#explain("asking for blobs", error));
          else resolve2(answer?.missing ?? []);
        }
      );
      const ended = this.#during(call);
    });
  }
  async put(ref, parts) {
    const { path, requestSerialize, responseDeserialize } = blobsService.put;
    const ended = new AbortController();
    let fail;
    const answered = new Promise((resolve2, reject) => {
      fail = reject;
      const answer = (error) => {
        left();
        ended.abort();
        if (error === null) resolve2();
        else reject(this.#explain(`sending ${ref.hash}`, error));
      };
      const call = this.#open("up").makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        answer
      );
      const left = this.#during(call);
      send(call, ref, parts, ended.signal).catch((error) => {
        fail(error);
        call.cancel();
      });
    });
    await answered;
  }
  async get(ref) {
    const { path, requestSerialize, responseDeserialize } = blobsService.get;
    const call = this.#open("down").makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      ref
    );
    const left = this.#during(call);
    let bytes = new Uint8Array(ref.byteLength);
    let filled = 0;
    try {
      for await (const chunk of call) {
        if (filled === 0 && ref.byteLength === 0) bytes = new Uint8Array(chunk.ref?.byteLength ?? 0);
        if (filled + chunk.data.byteLength > bytes.byteLength)
          throw new Error("more bytes arrived than it has");
        bytes.set(chunk.data, filled);
        filled += chunk.data.byteLength;
      }
    } catch (error) {
      call.cancel();
      throw this.#explain(`fetching ${ref.hash}`, error);
    } finally {
      left();
    }
    const digest = digestLike(ref.hash);
    digest.update(bytes);
    if (filled !== bytes.byteLength || digest.name() !== ref.hash) {
      throw new ConnectionError(
        `The value ${ref.hash} arrived damaged from ${this.#address}: ${filled} of ${bytes.byteLength} bytes.`
      );
    }
    return bytes;
  }
  wasCutOff(error) {
    const { code, details } = error.cause ?? {};
    if (code === status.UNAVAILABLE || code === status.CANCELLED || code === status.ABORTED) return true;
    return code === status.INTERNAL && /RST_STREAM|ECONNRESET|socket/i.test(details ?? "");
  }
  close() {
    this.#closed.abort();
    this.#files?.close();
    void this.#sharing?.then((files) => files?.close());
    this.#closeClients();
  }
  #closeClients() {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
  #open(direction) {
    let client = this.#clients.get(direction);
    if (client === void 0) {
      client = new Client(this.#target, this.#credentials, {
        ...this.#options,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
        "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
        ...direction === "down" ? { "grpc-node.flow_control_window": DOWN_WINDOW_BYTES } : {}
      });
      this.#clients.set(direction, client);
    }
    return client;
  }
  #explain(doing, error) {
    return new ConnectionError(
      `The head at ${this.#address} failed while ${doing}: ${error.details || error.message}`,
      {
        cause: error
      }
    );
  }
};
async function send(call, ref, parts, signal) {
  call.on("error", () => {
  });
  let first = ref;
  for await (const part of parts) {
    for (let start = 0; start < part.byteLength; start += CHUNK_BYTES) {
      if (signal.aborted) return;
      const more = call.write({ ref: first, data: part.subarray(start, start + CHUNK_BYTES) });
      first = void 0;
      if (!more && !await drained(call, signal)) return;
    }
  }
  if (first !== void 0) call.write({ ref, data: new Uint8Array(0) });
  call.end();
}
async function drained(call, signal) {
  try {
    await once(call, "drain", { signal });
    return true;
  } catch {
    return false;
  }
}

// proto/link/grpc/reach.ts
import {
  Client as Client2,
  status as Status
} from "@grpc/grpc-js";

// proto/access/explain.ts
var HOLDERS = {
  client: "a program",
  worker: "a worker",
  command: "this command"
};
var ROLE = { client: "client", worker: "worker", command: "viewer" };
function noCredential(place, purpose, shown) {
  const role = ROLE[purpose];
  return new AuthError(
    `There is no credential for ${HOLDERS[purpose]} in ${place}, and the head at ${shown} asks for one: on the head's machine run "grain access new --role ${role} > ${role}.pem", bring the file here and name it with --access or GRAIN_ACCESS_DIR.`
  );
}
function foreignHead({ id, file }, shown, reason) {
  return new AuthError(
    `The head at ${shown} is not the one that issued the credential ${id} in ${file} (${reason}): correct the address, or use a credential of that head (--access, GRAIN_ACCESS_DIR).`
  );
}
function turnedAway({ id, file }, shown) {
  return new AuthError(
    `The head at ${shown} did not accept the credential ${id} in ${file}: another authority issued it, or by the head's clock it is not valid now; use a credential of that head (--access, GRAIN_ACCESS_DIR), and compare the clocks.`
  );
}
function notEncrypted(shown) {
  return new AuthError(
    `What listens at ${shown} does not speak TLS: if it is a head started with --insecure, say so here as well (--insecure, or GRAIN_INSECURE=1); otherwise correct the address.`
  );
}
function encrypted(shown) {
  return new AuthError(
    `The head at ${shown} asks for TLS, and this side was told to do without: leave out --insecure, and unset GRAIN_INSECURE.`
  );
}

// proto/access/place.ts
import { homedir } from "node:os";
import { isAbsolute, join as join3, resolve } from "node:path";
function chooseAccess(flags = {}, env = process.env, configured) {
  const named = flags.access ?? (env.GRAIN_ACCESS_DIR || configured || void 0);
  if (named?.includes("-----BEGIN ") === true) throw notAPath(flags.access === void 0);
  return {
    place: resolve(named ?? defaultPlace(env)),
    isDefault: named === void 0,
    insecure: flags.insecure === true ? flags.yesReally === true ? "anywhere" : "here" : insecureIn(env)
  };
}
function notAPath(isVariable) {
  const where = isVariable ? "The variable GRAIN_ACCESS_DIR" : "--access";
  return new ConfigError(
    `${where} is the text of a credential, not a path: write it to a file that only you can read (chmod 600), and name that. Command lines and environments can be seen by others: have it revoked, and a new one issued.`
  );
}
function insecureIn({ GRAIN_INSECURE: text }) {
  switch (text) {
    case void 0:
    case "":
    case "0":
      return "no";
    case "1":
      return "here";
    case "yes-really":
      return "anywhere";
    default:
      throw new ConfigError(
        `The variable GRAIN_INSECURE must be 1, yes-really or empty, not ${JSON.stringify(text)}.`
      );
  }
}
function defaultPlace(env) {
  const config = env.XDG_CONFIG_HOME;
  const base = config !== void 0 && isAbsolute(config) ? config : join3(homedir(), ".config");
  return join3(base, "grain", "access");
}

// proto/address.ts
import { isAbsolute as isAbsolute2 } from "node:path";
var FORMS = 'expected "host:port", "tcp://host:port", "unix:///path" or "edge:///path"';
function parseAddress(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("unix:")) {
    const path = trimmed.replace(/^unix:(\/\/)?/, "");
    if (!isAbsolute2(path) || path.endsWith("/")) {
      throw new ConfigError(
        `The address "${text}" names no socket: a unix address needs an absolute path, such as unix:///run/grain.sock.`
      );
    }
    if (Buffer.byteLength(path) > 107) {
      throw new ConfigError(
        `The socket path of "${text}" is longer than the 107 bytes the system allows; choose a shorter one.`
      );
    }
    return { type: "unix", path };
  }
  if (trimmed.startsWith("edge:")) return { type: "edge", path: edgePath(text, trimmed) };
  const rest = trimmed.startsWith("tcp://") ? trimmed.slice("tcp://".length) : trimmed;
  if (rest.includes("://")) throw new ConfigError(`The address "${text}" has an unknown scheme; ${FORMS}.`);
  const match = /^(\[[0-9A-Fa-f:.%]+\]|[^\s:/[\]]+):(\d+)$/.exec(rest);
  if (match === null) throw new ConfigError(`"${text}" is not an address; ${FORMS}.`);
  const port = Number(match[2]);
  if (port > 65535) throw new ConfigError(`The address "${text}" has port ${port}; ports go up to 65535.`);
  return { type: "tcp", host: match[1].replace(/^\[|\]$/g, ""), port };
}
function edgePath(text, trimmed) {
  const path = trimmed.replace(/^edge:(\/\/)?/, "");
  if (isAbsolute2(path) && !path.endsWith("/")) return path;
  throw new ConfigError(
    `The address "${text}" names no file: an edge address needs an absolute path, such as edge:///shared/grain.edge.`
  );
}
function parseSocketAddress(text) {
  const address = parseAddress(text);
  if (address.type !== "edge") return address;
  throw new ConfigError(`"${text}" names a file and not a socket; give host:port or unix:///path.`);
}
function formatAddress(address) {
  if (address.type !== "tcp") return `${address.type}://${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
function isLocal(address) {
  if (address.type === "unix") return true;
  if (address.type === "edge") return false;
  return address.host === "localhost" || address.host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address.host);
}

// proto/edge/finder.ts
import { existsSync } from "node:fs";

// proto/edge/record.ts
import { open as open2 } from "node:fs/promises";
var RENEW_MS = 2e3;
var LEASE_MS = 15e3;
var FORMAT = 1;
var OTHERS_WRITE = 18;
var MAX_BYTES = 64 * 1024;
var REPLACED = /* @__PURE__ */ new Set(["ESTALE", "EAGAIN"]);
var READS = 5;
async function readRecord(path) {
  for (let reads = 1; ; reads += 1) {
    try {
      return await read2(path);
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      const { code } = error;
      if (code === "ENOENT") return void 0;
      if (REPLACED.has(code ?? "") && reads < READS) continue;
      throw new ConfigError(`The edge file ${path} cannot be read: ${messageOf(error)}.`, { cause: error });
    }
  }
}
async function read2(path) {
  const file = await open2(path, "r");
  try {
    const { mode, uid, size } = await file.stat();
    if (size > MAX_BYTES) throw notOne(path);
    const record = parse(await file.readFile("utf8"), path);
    return { ...record, isOwn: uid === (process.getuid?.() ?? uid) && (mode & OTHERS_WRITE) === 0 };
  } finally {
    await file.close();
  }
}
function parse(text, path) {
  let read3;
  try {
    read3 = JSON.parse(text);
  } catch {
    throw notOne(path);
  }
  if (typeof read3 !== "object" || read3 === null || typeof read3.grainEdge !== "number") throw notOne(path);
  if (read3.grainEdge !== FORMAT) {
    throw new ConfigError(
      `The edge file ${path} has format ${read3.grainEdge}, and this is grain-scheduler for format ${FORMAT}: use one version on both sides.`
    );
  }
  if (!isRecord(read3)) throw notOne(path);
  return read3;
}
function isRecord(read3) {
  const { id, generation, beat, addresses, process: owner, host, version, access } = read3;
  return [id, host, version, access, owner?.machine, owner?.started].every((text) => typeof text === "string") && [generation, beat, owner?.pid].every(Number.isSafeInteger) && Array.isArray(addresses) && addresses.every((address) => typeof address === "string");
}
function notOne(path) {
  return new ConfigError(
    `${path} is no edge file: a head writes it, and it holds nothing else; name another file, or remove it.`
  );
}

// proto/edge/watch.ts
var LONGEST_STEP_MS = 1e3;
var Watch = class {
  #nowMs;
  #last;
  #changed = false;
  #unchangedMs = 0;
  #seenAtMs = 0;
  /** @param nowMs never goes back */
  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }
  /** What this look at the entry adds to what is known. */
  see({ id, beat, process: owner }) {
    const nowMs = this.#nowMs();
    if (this.#last?.id !== id) this.#begin(false);
    else if (this.#last.beat !== beat) this.#begin(true);
    else this.#unchangedMs += Math.min(nowMs - this.#seenAtMs, LONGEST_STEP_MS);
    this.#last = { id, beat };
    this.#seenAtMs = nowMs;
    const running = isRunning(owner);
    if (running !== void 0) return running ? "alive" : "ended";
    if (this.#unchangedMs >= LEASE_MS) return "silent";
    return this.#changed ? "alive" : "unknown";
  }
  #begin(changed) {
    this.#changed = changed;
    this.#unchangedMs = 0;
  }
};

// proto/edge/finder.ts
var EdgeFinder = class {
  #path;
  #access;
  #watch = new Watch();
  constructor(path, access) {
    this.#path = path;
    this.#access = access;
  }
  /**
   * Looks at the file.
   *
   * @throws ConfigError when it is something else; AuthError when it must not be believed
   */
  async look() {
    const record = await readRecord(this.#path);
    if (record === void 0)
      return { head: void 0, verdict: "absent", addresses: [], access: this.#access };
    const verdict = this.#watch.see(record);
    const { id: head } = record;
    const addresses = verdict === "ended" ? [] : reachable(record);
    return { head, verdict, addresses, access: this.#accessTo(record) };
  }
  /** The head's own directory is the user's as well, if the file is. */
  #accessTo({ isOwn, access }) {
    if (!isOwn && this.#access.insecure !== "no") {
      throw new AuthError(
        `The edge file ${this.#path} may have been written by another user, and without TLS whatever it names would be believed: leave out --insecure, or have the head write a file that only you can write.`
      );
    }
    const { isDefault = false } = this.#access;
    if (!isOwn || !isDefault || access === "" || !existsSync(access)) return this.#access;
    return { ...this.#access, place: access };
  }
};
function reachable({ addresses, process: owner }) {
  const parsed = addresses.map((address) => parseSocketAddress(address));
  const near = parsed.filter((address) => isLocal(address));
  const far = parsed.filter((address) => !isLocal(address));
  return owner.machine === thisMachine() ? [...near, ...far] : far;
}

// proto/link/grpc/name.ts
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
var WITHIN_MS = 1e3;
async function unknownName(address, resolve2 = lookup) {
  if (address.type !== "tcp" || isIP(address.host) !== 0) return void 0;
  let timer2;
  const tooLate = new Promise((done) => {
    timer2 = setTimeout(() => done(void 0), WITHIN_MS);
  });
  const asked = resolve2(address.host).then(
    () => void 0,
    (error) => `This machine does not know the name ${address.host} (${error.code ?? error.message})`
  );
  try {
    return await Promise.race([asked, tooLate]);
  } finally {
    clearTimeout(timer2);
  }
}

// proto/link/grpc/probe.ts
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
var PROBE_MS = 1e3;
var UNTRUSTED = /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_\w+|INVALID_PURPOSE|INVALID_CA|ERR_TLS_CERT_ALTNAME_INVALID)$/;
var NO_TLS = /^(?:EPROTO|ERR_SSL_\w+)$/;
function answers({ host, port }, withinMs = PROBE_MS, signal) {
  return new Promise((resolve2) => {
    const socket = connectTcp({ host, port, timeout: Math.max(withinMs, 1) });
    const abort = () => end(false);
    const end = (answered) => {
      signal?.removeEventListener("abort", abort);
      socket.destroy();
      resolve2(answered);
    };
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
async function whyRefused(address, secured, shown) {
  const first = await shake(address, secured, shown);
  if (first !== "hung up") return first;
  const second = await shake(address, secured, shown);
  return second === "hung up" ? turnedAway(secured.credential, shown) : second;
}
function whyUnheard(address, shown) {
  return new Promise((resolve2) => {
    const socket = connectTls({ ...address, rejectUnauthorized: false, timeout: PROBE_MS });
    const end = (verdict) => {
      socket.destroy();
      resolve2(verdict);
    };
    socket.once("secureConnect", () => end(encrypted(shown)));
    socket.on("error", () => end(void 0));
    socket.once("timeout", () => end(void 0));
  });
}
function shake({ host, port }, { secureContext, servername, checkHead: checkHead2, credential }, shown) {
  return new Promise((resolve2) => {
    const socket = connectTls({
      host,
      port,
      secureContext,
      servername,
      checkServerIdentity: checkHead2,
      ALPNProtocols: ["h2"],
      timeout: PROBE_MS
    });
    let secured = false;
    const end = (verdict) => {
      socket.destroy();
      resolve2(verdict);
    };
    socket.once("secureConnect", () => {
      secured = true;
    });
    socket.once("data", () => end(void 0));
    socket.once("timeout", () => end(void 0));
    socket.on("error", (error) => {
      if (secured) return end("hung up");
      const code = error.code ?? "";
      if (NO_TLS.test(code)) return end(notEncrypted(shown));
      const untrusted = UNTRUSTED.test(code) || code === "" && /certificate/.test(error.message);
      end(untrusted ? foreignHead(credential, shown, error.message) : void 0);
    });
    socket.once("close", () => end(secured ? "hung up" : void 0));
  });
}

// proto/link/grpc/race.ts
var STAGGER_MS = 250;
function firstOf(ways, race) {
  const { attempt: attempt2, dispose, signal, staggerMs = STAGGER_MS } = race;
  const over = new AbortController();
  return new Promise((resolve2, reject) => {
    let next = 0;
    let underWay = 0;
    let isSettled = false;
    let failure2;
    let timer2;
    const settle = (finish) => {
      isSettled = true;
      clearTimeout(timer2);
      signal?.removeEventListener("abort", abort);
      over.abort();
      finish();
    };
    const abort = () => over.abort();
    const ended = (reached, error) => {
      underWay -= 1;
      if (isSettled) {
        if (reached !== void 0) dispose(reached);
        return;
      }
      failure2 ??= error;
      if (reached !== void 0) return settle(() => resolve2(reached));
      if (underWay === 0) startNext();
    };
    const startNext = () => {
      clearTimeout(timer2);
      if (next === ways.length || over.signal.aborted) {
        if (underWay > 0) return;
        return settle(() => failure2 === void 0 ? resolve2(void 0) : reject(failure2.error));
      }
      const way = ways[next];
      next += 1;
      underWay += 1;
      timer2 = setTimeout(startNext, staggerMs);
      attempt2(way, over.signal).then(
        (reached) => ended(reached),
        (error) => ended(void 0, { error })
      );
    };
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    startNext();
  });
}

// proto/link/grpc/security.ts
import { isIP as isIP2 } from "node:net";
import { checkServerIdentity, createSecureContext } from "node:tls";
import { ChannelCredentials } from "@grpc/grpc-js";

// proto/access/credential.ts
import { X509Certificate } from "node:crypto";
import { existsSync as existsSync2 } from "node:fs";
import { join as join4 } from "node:path";

// proto/access/private-file.ts
import { readFileSync as readFileSync2, statSync } from "node:fs";
import { dirname } from "node:path";
var OTHERS = 63;
var MAX_BYTES2 = 256 * 1024;
function readPrivate(file) {
  const found = look(file);
  if (found === void 0) return void 0;
  if (!found.isFile()) throw new AuthError(`${file} is no file; name an access directory, or a credential.`);
  refuseOpen(file, found, "600");
  if (found.size > MAX_BYTES2) throw new AuthError(`${file} is no credential: it has ${found.size} bytes.`);
  try {
    return readFileSync2(file, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}
function isPrivateDirectory(path) {
  const found = look(path);
  if (found?.isDirectory() !== true) return false;
  refuseOpen(path, found, "700");
  return true;
}
function look(path) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (error.code === "ENOTDIR") return void 0;
    throw unreadable(path, error);
  }
}
function refuseOpen(path, { mode, uid }, wanted) {
  if (process.platform === "win32") return;
  const self = process.getuid?.() ?? uid;
  if (uid !== self && self !== 0) {
    throw new AuthError(
      `${path} belongs to another user, and is not trusted; copy what you were given to a place of your own, such as ${dirname(path)}/mine.`
    );
  }
  if ((mode & OTHERS) === 0) return;
  const bits = (mode & 511).toString(8).padStart(4, "0");
  throw new AuthError(
    `${path} holds secrets and is open to other users (mode ${bits}); close it with: chmod ${wanted} ${quote(path)}`
  );
}
function quote(path) {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
function unreadable(path, error) {
  return new AuthError(`${path} cannot be read: ${messageOf(error)}.`, { cause: error });
}

// proto/access/role.ts
var ROLES = ["admin", "client", "worker", "viewer"];
function isRole(text) {
  return ROLES.includes(text);
}
var ORGANISATION = "grain";
var HEAD_UNIT = "head";

// proto/access/credential.ts
var PURPOSES = {
  client: ["client", "admin"],
  worker: ["worker", "admin"],
  command: ["admin", "client", "viewer"]
};
var BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;
function credentialFile(directory, role) {
  return join4(directory, `${role}.pem`);
}
function findCredential(place, purpose) {
  if (!isPrivateDirectory(place)) return existsSync2(place) ? usable(readCredential(place)) : void 0;
  for (const role of PURPOSES[purpose]) {
    const credential = readCredential(credentialFile(place, role));
    if (credential !== void 0) return usable(credential);
  }
  return void 0;
}
function readCredential(file) {
  const text = readPrivate(file);
  return text === void 0 ? void 0 : parseCredential(text, file);
}
function parseCredential(text, file) {
  const blocks = [...text.matchAll(BLOCK)];
  const certificates = blocks.filter(([, label]) => label === "CERTIFICATE").map(([block]) => block);
  const key = blocks.find(([, label]) => label?.endsWith("PRIVATE KEY") === true)?.[0];
  const [own, ...others] = certificates;
  if (own === void 0 || key === void 0 || others.length === 0) {
    throw new AuthError(
      `${file} is no credential: it needs a certificate, its private key and the authority's certificate, in PEM; have a new one made with "grain access new".`
    );
  }
  const parsed = parseCertificate(own, file);
  const { CN, OU } = nameOf(parsed);
  return {
    file,
    id: CN ?? "",
    role: isRole(OU) ? OU : void 0,
    expiresAt: new Date(parsed.validTo),
    certificate: [own, ...others.slice(0, -1)].join("\n"),
    key,
    authorities: others.at(-1)
  };
}
function parseCertificate(pem, file) {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new AuthError(`${file} holds a damaged certificate; have a new one made with "grain access new".`);
  }
}
function nameOf(certificate) {
  return Object.fromEntries(
    certificate.subject.split("\n").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at), part.slice(at + 1)];
    })
  );
}
function usable(credential) {
  if (credential === void 0 || credential.expiresAt.getTime() > Date.now()) return credential;
  throw expired(credential);
}
function expired({ file, id, expiresAt, role }) {
  const day = expiresAt.toISOString().slice(0, 16).replace("T", " ");
  return new AuthError(
    `The credential ${id} in ${file} expired on ${day} UTC; ask the head's administrator for a new one (grain access new --role ${role ?? "client"} > FILE).`
  );
}

// proto/link/grpc/reset.ts
var LOOK_MS = 1e3;
var watched = /* @__PURE__ */ new Set();
var timer;
function noticeReset(socket) {
  if (socket.destroyed || watched.has(socket)) return;
  watched.add(socket);
  socket.once("close", () => {
    watched.delete(socket);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = void 0;
  });
  timer ??= setInterval(look2, LOOK_MS).unref();
}
function look2() {
  for (const socket of watched) if (isGone(socket)) socket.destroy();
}
function isGone(socket) {
  const { _handle: handle } = socket;
  return !socket.connecting && (handle?.getpeername?.({}) ?? 0) < 0;
}

// proto/link/grpc/security.ts
var HANDSHAKE_MS = 1e4;
function secure(address, access, purpose) {
  if (address.type === "unix") return { type: "plain" };
  if (access.insecure !== "no") {
    if (access.insecure === "here" && !isLocal(address))
      throw new ConfigError(
        `--insecure: ${formatAddress(address)} is on another machine, and anybody on the way could read and change everything; leave out --insecure, or say --yes-really as well (GRAIN_INSECURE=yes-really).`
      );
    return { type: "plain" };
  }
  const credential = findCredential(access.place, purpose);
  if (credential === void 0) return { type: "missing" };
  const { host } = address;
  return {
    type: "tls",
    credential,
    secureContext: contextOf(credential),
    // TLS allows no numbers here, and warns.
    servername: isIP2(host) === 0 ? host : "head.grain",
    checkHead: (_name, certificate) => checkHead(host, certificate)
  };
}
function contextOf(credential) {
  const { file, certificate: cert, key, authorities: ca } = credential;
  try {
    return createSecureContext({ cert, key, ca, minVersion: "TLSv1.3" });
  } catch {
    throw new AuthError(
      `${file} holds a damaged key, or one that is not its certificate's; have a new credential made with "grain access new".`
    );
  }
}
function checkHead(host, certificate) {
  const { O, OU } = certificate.subject;
  if (O !== ORGANISATION) return checkServerIdentity(host, certificate);
  return OU === HEAD_UNIT ? void 0 : new Error(`its certificate is that of a ${OU}, not of a head`);
}
function channelSecurity(security) {
  if (security.type === "plain")
    return { credentials: ChannelCredentials.createInsecure(), options: {}, abandon: () => {
    } };
  const { secureContext, checkHead: checkServer, servername } = security;
  const credentials = ChannelCredentials.createFromSecureContext(secureContext, {
    checkServerIdentity: checkServer
  });
  const abandon = limitHandshakes(credentials);
  return { credentials, options: { "grpc.ssl_target_name_override": servername }, abandon };
}
function limitHandshakes(credentials) {
  const underWay = /* @__PURE__ */ new Set();
  let isOver = false;
  const create = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...args) => {
    const connector = create(...args);
    return {
      // It comes before a socket is opened: grpc-js tries once more after its channel was closed.
      waitForReady: () => isOver ? Promise.reject(new Error("given up")) : connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
      async connect(socket) {
        const timer2 = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
        noticeReset(socket);
        underWay.add(socket);
        try {
          return await Promise.race([connector.connect(socket), closing(socket)]);
        } finally {
          clearTimeout(timer2);
          underWay.delete(socket);
        }
      }
    };
  };
  return () => {
    isOver = true;
    for (const socket of underWay) socket.destroy();
  };
}
function closing(socket) {
  return new Promise((_, reject) => {
    socket.once("close", () => reject(new Error("the connection was closed during its handshake")));
  });
}

// proto/link/grpc/reach.ts
var ATTEMPT_MS = 1e3;
var AGAIN_MS = 100;
var LOOK_MS2 = 250;
var QUIET_MS = 3e4;
var ANSWER_MS = 1e4;
var CHANNEL_OPTIONS = {
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1e3,
  "grpc.keepalive_time_ms": 2e4,
  "grpc.keepalive_timeout_ms": 2e4,
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  "grpc.use_local_subchannel_pool": 1
};
var Search = class {
  #parsed;
  #access;
  #finder;
  #way;
  /** As users write it. */
  shown;
  /** Of which head of an edge file the last one was that was reached. */
  #head;
  /** What was said last at the addresses of a head of which it is not known whether it lives. */
  #refusal;
  /** @throws ConfigError for a bad address */
  constructor(address, way, access = chooseAccess()) {
    this.#parsed = parseAddress(address);
    this.#access = access;
    this.#way = way;
    this.shown = formatAddress(this.#parsed);
    if (this.#parsed.type === "edge") this.#finder = new EdgeFinder(this.#parsed.path, access);
  }
  /**
   * Waits until a head accepts connections, and takes us for what we want to be.
   *
   * @throws AuthError when it does not; ConnectionError when it is too late
   */
  async reach(options) {
    options.signal?.throwIfAborted();
    const giveUpMs = Math.max(options.giveUpMs, ATTEMPT_MS);
    const startedAt = performance.now();
    let sayAfterMs = ATTEMPT_MS;
    for (; ; ) {
      const leftMs = giveUpMs - (performance.now() - startedAt);
      const withinMs = Math.min(ATTEMPT_MS, Math.max(leftMs, 1));
      const { reached, verdict } = await this.#once(withinMs, options.signal);
      if (reached !== void 0) return reached;
      options.signal?.throwIfAborted();
      const waitedMs = performance.now() - startedAt;
      if (isGone2(verdict, waitedMs)) options.onNoHead?.();
      if (waitedMs >= giveUpMs) throw await this.#unreachable(giveUpMs, verdict);
      if (waitedMs >= sayAfterMs) {
        sayAfterMs = waitedMs + Math.min(waitedMs, QUIET_MS);
        options.onRetry?.(
          `No head answers at ${this.shown} yet; still trying${remaining(giveUpMs - waitedMs)}.`
        );
      }
      await pause2(AGAIN_MS, options.signal);
    }
  }
  /**
   * Takes up a connection again that was lost: by the same channel, or to the head that the edge file names now.
   *
   * @throws ConnectionError when no head answers
   */
  async again(last, signal) {
    if (this.#finder === void 0) {
      if (await ready(last.client, ATTEMPT_MS, signal)) return last;
    } else {
      const sighting = await this.#finder.look();
      const isSame = sighting.head === this.#head && sighting.verdict !== "ended";
      if (isSame && await ready(last.client, ATTEMPT_MS, signal)) return last;
      signal.throwIfAborted();
      const { reached } = await this.#follow(sighting, ATTEMPT_MS, signal);
      if (reached !== void 0) return reached;
    }
    throw new ConnectionError(`No head answers at ${this.shown}.`);
  }
  async #once(withinMs, signal) {
    if (this.#finder === void 0 && this.#parsed.type !== "edge") {
      return {
        reached: await tryOne(this.#parsed, this.#access, this.#way, withinMs, signal),
        verdict: "unknown"
      };
    }
    const sighting = await this.#finder.look();
    if (sighting.addresses.length > 0) return this.#follow(sighting, withinMs, signal);
    await pause2(Math.min(withinMs, LOOK_MS2), signal);
    return { reached: void 0, verdict: sighting.verdict };
  }
  async #follow(sighting, withinMs, signal) {
    const { addresses, access, head, verdict } = sighting;
    this.#refusal = void 0;
    try {
      const reached = await firstOf(addresses, {
        attempt: (address, given) => tryOne(address, access, this.#way, withinMs, given),
        dispose: close,
        signal
      });
      if (reached !== void 0) this.#head = head;
      return { reached, verdict };
    } catch (error) {
      if (verdict === "alive" || !(error instanceof AuthError)) throw error;
      this.#refusal = error;
      return { reached: void 0, verdict };
    }
  }
  async #unreachable(giveUpMs, verdict) {
    if (this.#refusal !== void 0) return this.#refusal;
    const seconds = Math.round(giveUpMs / 100) / 10;
    const { shown } = this;
    const unknown = await unknownName(this.#parsed);
    if (unknown !== void 0)
      return new ConnectionError(
        `No head answered at ${shown} within ${seconds} s. ${unknown}: correct it, or give the IP address of the head's machine.`
      );
    const why = this.#finder !== void 0 && (verdict === "alive" || verdict === "unknown") ? "The file names one, which cannot be reached from this machine: see on which addresses it listens (its log), and what is between" : `Start one with "grain-head --listen ${shown}", or correct the address`;
    return new ConnectionError(`No head answered at ${shown} within ${seconds} s. ${why}.`);
  }
};
function isGone2(verdict, waitedMs) {
  return verdict === "unknown" ? waitedMs > 2 * RENEW_MS : verdict !== "alive";
}
async function tryOne(address, access, way, withinMs, signal) {
  const security = secure(address, access, way.purpose);
  return security.type === "missing" ? waitForCredential(address, access, way, withinMs, signal) : attempt(address, security, way, withinMs, signal);
}
async function waitForCredential(address, access, { purpose }, withinMs, signal) {
  if (address.type === "tcp" && await answers(address)) {
    if (secure(address, access, purpose).type !== "missing") return;
    throw noCredential(access.place, purpose, formatAddress(address));
  }
  await pause2(withinMs, signal);
}
async function attempt(address, security, { rpc }, withinMs, signal) {
  const shown = formatAddress(address);
  const target = address.type === "unix" ? `unix:${address.path}` : `dns:${shown}`;
  if (address.type === "tcp" && !await answers(address, withinMs, signal)) return void 0;
  const { credentials, options, abandon } = channelSecurity(security);
  const channel = { ...CHANNEL_OPTIONS, ...options };
  const client = new Client2(target, credentials, channel);
  let taken = false;
  try {
    if (await ready(client, withinMs, signal)) {
      taken = security.type === "plain" || await isTaken(client, rpc, shown);
      return taken ? { client, target, shown, credentials, channel, abandon } : void 0;
    }
    if (signal?.aborted === true || address.type === "unix") return void 0;
    const problem = await (security.type === "tls" ? whyRefused(address, security, shown) : whyUnheard(address, shown));
    if (problem !== void 0) throw problem;
    return void 0;
  } finally {
    if (!taken) close({ client, abandon });
  }
}
function close({ client, abandon }) {
  client.close();
  abandon();
}
function isTaken(client, rpc, shown) {
  const { path, requestSerialize, responseDeserialize } = adminService.access;
  const deadline = Date.now() + ANSWER_MS;
  return new Promise((resolve2, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { rpc }, { deadline }, (error) => {
      if (isDenial(error)) reject(failure(`The head at ${shown} refused this connection`, error));
      else resolve2(error === null || error.code === Status.UNIMPLEMENTED);
    });
  });
}
function pause2(ms, signal) {
  return new Promise((resolve2) => {
    const end = () => {
      clearTimeout(timer2);
      signal?.removeEventListener("abort", end);
      resolve2();
    };
    const timer2 = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted === true) end();
  });
}
function remaining(ms) {
  return Number.isFinite(ms) ? ` for ${Math.ceil(ms / 1e3)} s` : "";
}
function ready(client, withinMs, signal) {
  return new Promise((resolve2) => {
    const onAbort = () => resolve2(false);
    signal?.addEventListener("abort", onAbort, { once: true });
    client.waitForReady(new Date(Date.now() + withinMs), (error) => {
      signal?.removeEventListener("abort", onAbort);
      resolve2(error === void 0);
    });
  });
}
function failure(failed, error) {
  const message = `${failed}: ${error?.details ?? "no answer"}.`;
  return isDenial(error) ? new AuthError(message) : new ConnectionError(message, { cause: error });
}
function isDenial(error) {
  return error?.code === Status.UNAUTHENTICATED || error?.code === Status.PERMISSION_DENIED;
}

// proto/link/outbox.ts
var BATCH_BYTES = 1024 * 1024;
var joined = /* @__PURE__ */ new WeakSet();
function joinNext(message) {
  joined.add(message);
  return message;
}
function weigh(message) {
  const body = message.body;
  if (body === void 0) return 16;
  const content = body[body.$case];
  if (typeof content !== "object") return 16;
  const { args, values, text, error, tasks } = content;
  return 64 + bytesIn(args) + bytesIn(values) + bytesIn(text) + bytesIn(error) + bytesIn(tasks);
}
function bytesIn(value) {
  if (value === void 0) return 0;
  if (value instanceof Uint8Array) return value.byteLength;
  return Array.isArray(value) ? 8 * value.length : 0;
}
var Outbox = class {
  #waiting = [];
  #weights = [];
  #from = 0;
  #bytes = 0;
  /** Bytes waiting, roughly. */
  get bytes() {
    return this.#bytes;
  }
  get empty() {
    return this.#from === this.#waiting.length;
  }
  push(message) {
    const weight = weigh(message);
    this.#waiting.push(message);
    this.#weights.push(weight);
    this.#bytes += weight;
  }
  /** Takes the next batch; at least one message unless empty. */
  take() {
    const start = this.#from;
    let bytes = 0;
    let end = start;
    while (end < this.#waiting.length) {
      const isJoined = end === start || joined.has(this.#waiting[end - 1]);
      if (!isJoined && bytes + this.#weights[end] > BATCH_BYTES) break;
      bytes += this.#weights[end];
      end += 1;
    }
    this.#bytes -= bytes;
    if (start === 0 && end === this.#waiting.length) {
      const all = this.#waiting;
      this.clear();
      return all;
    }
    const batch = this.#waiting.slice(start, end);
    this.#from = end;
    if (end === this.#waiting.length) this.clear();
    return batch;
  }
  clear() {
    this.#waiting = [];
    this.#weights = [];
    this.#from = 0;
    this.#bytes = 0;
  }
};

// proto/link/grpc/stream.ts
var LOST = { type: "broken", message: "the connection was lost" };
function wasCancelled(call) {
  return "cancelled" in call && call.cancelled === true;
}
var StreamLink = class {
  #call;
  #codec;
  #outbox = new Outbox();
  #handler;
  #state = "open";
  #end;
  #flushDue = false;
  #blocked = false;
  #waiting = [];
  constructor(call, codec) {
    this.#call = call;
    this.#codec = codec;
    call.on("error", (error) => {
      const malformed = error.code === 13 && /deserial|decod|parse/i.test(error.message);
      this.#finish({ type: malformed ? "malformed" : "broken", message: error.details || error.message });
    });
    call.on("end", () => setImmediate(() => this.#finish(wasCancelled(call) ? LOST : { type: "closed" })));
    call.on("cancelled", () => this.#finish(LOST));
    call.on("close", () => setImmediate(() => this.#finish(LOST)));
    call.on("drain", () => {
      this.#blocked = false;
      this.flush();
    });
  }
  get pendingBytes() {
    return this.#outbox.bytes;
  }
  drained() {
    if (!this.#blocked || this.#state === "ended") return Promise.resolve();
    return new Promise((resolve2) => this.#waiting.push(resolve2));
  }
  send(message) {
    if (this.#state !== "open") return;
    this.#outbox.push(message);
    if (this.#flushDue || this.#blocked) return;
    this.#flushDue = true;
    setImmediate(() => {
      if (this.#flushDue) this.flush();
    });
  }
  flush() {
    this.#flushDue = false;
    if (this.#state === "ended") return;
    while (!this.#blocked && !this.#outbox.empty) {
      this.#blocked = !this.#call.write(this.#codec.pack(this.#outbox.take()));
    }
    if (this.#blocked) return;
    this.#wake();
    if (this.#state === "closing") this.#call.end();
  }
  receive(handler) {
    this.#handler = handler;
    if (this.#end !== void 0) {
      const end = this.#end;
      queueMicrotask(() => handler.ended(end));
      return;
    }
    this.#call.on("data", (batch) => {
      if (this.#state === "ended") return;
      if (batch instanceof Malformed) this.#abandon({ type: "malformed", message: batch.why });
      else handler.messages(this.#codec.unpack(batch));
    });
  }
  pause(paused) {
    if (this.#state === "ended") return;
    if (paused) this.#call.pause();
    else this.#call.resume();
  }
  close() {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.flush();
  }
  destroy(message) {
    if (this.#state !== "ended") this.#abandon({ type: "broken", message });
  }
  #abandon(end) {
    this.#finish(end);
    const { message } = end;
    const call = this.#call;
    if ("cancel" in call) call.cancel();
    else call.emit("error", Object.assign(new Error(message), { code: 10, details: message }));
  }
  #finish(end) {
    if (this.#state === "ended") return;
    const wasClosing = this.#state === "closing";
    this.#state = "ended";
    this.#end = wasClosing ? { type: "closed" } : end;
    this.#outbox.clear();
    this.#wake();
    if (end.type === "closed" && !wasClosing) this.#call.end();
    this.#handler?.ended(this.#end);
  }
  #wake() {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve2 of waiting) resolve2();
  }
};
function streamLink(call, codec) {
  return new StreamLink(call, codec);
}

// proto/link/grpc/connect.ts
var BLOBS_GIVE_UP_MS = 6e4;
async function connectWorker(address, options) {
  const way = { purpose: "worker", rpc: schedulingService.work.path };
  const connection = await connect(address, way, options, (client) => {
    const call = open3(client, schedulingService.work);
    return streamLink(call, {
      pack: (messages) => ({ messages }),
      unpack: (batch) => batch.messages
    });
  });
  await connection.blobs.share?.();
  return connection;
}
function open3(client, method2) {
  return client.makeBidiStreamRequest(method2.path, method2.requestSerialize, method2.responseDeserialize);
}
async function connect(address, way, options, openLink) {
  const search = new Search(address, way, options.access);
  let reached = await search.reach(options);
  const { target, shown, credentials, channel } = reached;
  const transport = new GrpcBlobs(target, shown, credentials, channel);
  const blobs = new PersistentBlobs(transport, BLOBS_GIVE_UP_MS);
  const first = openLink(reached.client);
  let link = first;
  let closed = false;
  return {
    link: first,
    async reopen(signal) {
      const next = await search.again(reached, signal);
      if (next !== reached) {
        if (closed) next.client.close();
        signal.throwIfAborted();
        reached.client.close();
        reached = next;
      }
      transport.move(next.target, next.shown, next.credentials, next.channel);
      signal.throwIfAborted();
      await blobs.share();
      signal.throwIfAborted();
      link = openLink(reached.client);
      return link;
    },
    blobs,
    get address() {
      return reached.shown;
    },
    status: () => askStatus(reached.client, reached.shown),
    async close() {
      closed = true;
      link.close();
      blobs.close();
      reached.client.close();
    }
  };
}
function askStatus(client, shown) {
  const request = {};
  return ask(client, adminService.status, request, `The head at ${shown} did not give its status`);
}
function ask(client, method2, request, failed) {
  const { path, requestSerialize, responseDeserialize } = method2;
  return new Promise((resolve2, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) => {
      if (error === null && answer !== void 0) resolve2(answer);
      else reject(failure(failed, error));
    });
  });
}

// proto/version.ts
import { hostname as hostname2 } from "node:os";
var PROTOCOL = 1;
var BUNDLE_FORMAT = 1;
var VERSION = "0.1.0";
function hello() {
  return {
    protocol: PROTOCOL,
    version: VERSION,
    node: process.version,
    host: hostname2(),
    pid: process.pid,
    bundleFormat: BUNDLE_FORMAT
  };
}

// proto/duration.ts
var SECOND_MS = 1e3;
var MINUTE_MS = 60 * SECOND_MS;
var HOUR_MS = 60 * MINUTE_MS;
var DAY_MS = 24 * HOUR_MS;
var WEEK_MS = 7 * DAY_MS;
var NUMBER = String.raw`(\d+(?:\.\d+)?|\.\d+)\s*`;
var UNITS = new RegExp(
  `^(?:${NUMBER}w)?\\s*(?:${NUMBER}d)?\\s*(?:${NUMBER}h)?\\s*(?:${NUMBER}(?:min|m))?\\s*(?:${NUMBER}(?:sec|s))?\\s*(?:${NUMBER}ms)?$`,
  "i"
);

// proto/resource/amount.ts
var GIGABYTE = 1024 ** 3;
var MEMORY_UNITS = [
  ["P", 1024 ** 5],
  ["T", 1024 ** 4],
  ["G", GIGABYTE],
  ["M", 1024 ** 2],
  ["K", 1024]
];

// proto/resource/name.ts
var KIND = new RegExp("^\\p{L}[\\p{L}\\p{N}_.:/@+-]*$", "u");

// proto/resource/demand.ts
function amountOf(demand, kind) {
  for (const item of demand.amounts) if (item.kind === kind) return item.amount;
  return 0;
}

// worker/agent/core/task.ts
function isBytes(value) {
  return value instanceof Uint8Array;
}

// worker/agent/reports.ts
var GATHER_MS = 4;
var GATHER_TASKS = 16;
var GATHER_PART = 0.5;
var SELDOM_GATHER_PART = 1;
var GATHER_BYTES = 512 * 1024;
var Reports = class {
  #send;
  #worker;
  /** By session. */
  #finished = /* @__PURE__ */ new Map();
  /** Started in the place of those that have finished. */
  #started = /* @__PURE__ */ new Set();
  #returned = [];
  /** Put in order, and to be sent by the end of this turn. */
  #ready = [];
  #gatherMs = GATHER_MS;
  #gatherTasks = GATHER_TASKS;
  #gatherPart = GATHER_PART;
  #ended = 0;
  #bytes = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer;
  constructor(link, worker) {
    this.#send = (message) => link.send(message);
    this.#worker = worker;
  }
  /** The head wants to hear of ends at most so often while tasks wait here; undefined: as it suits. */
  pace(reportMs) {
    this.#gatherMs = reportMs ?? GATHER_MS;
    this.#gatherTasks = reportMs === void 0 ? GATHER_TASKS : Number.POSITIVE_INFINITY;
    this.#gatherPart = reportMs === void 0 ? GATHER_PART : SELDOM_GATHER_PART;
  }
  started(task) {
    if (this.#returned.length > 0) this.#order();
    this.#started.add(task);
  }
  returned(task) {
    this.#orderFinished();
    this.#orderStarted();
    this.#returned.push(task);
  }
  finished(task, value, runUs) {
    if (this.#returned.length > 0) this.#order();
    this.#started.delete(task);
    let column = this.#finished.get(task.session);
    if (column === void 0) {
      const values = new Uint8Array(0);
      const lists = { tasks: [], attempts: [], sizes: [], blobs: [], runUs: [] };
      column = { message: { session: task.session, values, ...lists }, parts: [], repeated: false };
      this.#finished.set(task.session, column);
    }
    const { tasks, attempts, sizes, blobs, runUs: times } = column.message;
    if (isBytes(value)) {
      sizes.push(value.byteLength);
      this.#bytes += value.byteLength;
      if (value.byteLength > 0) column.parts.push(value);
    } else {
      const { file, ...ref } = value;
      const index = tasks.length;
      blobs.push(file === void 0 ? { index, ref } : { index, ref, file });
      sizes.push(0);
    }
    tasks.push(task.task);
    attempts.push(task.attempt);
    times.push(runUs);
    if (task.attempt !== 1) column.repeated = true;
    this.#ended += 1;
  }
  failed(report, remains) {
    const { task, kind, message, error, errorName, exitCode, signal, runUs } = report;
    const askedBytes = amountOf(task.plan.class.demand, "memory") || void 0;
    this.#order();
    const failure2 = {
      session: task.session,
      task: task.task,
      attempt: task.attempt,
      kind,
      message,
      error,
      worker: this.#worker,
      exitCode,
      signal,
      stderrTail: kind === 4 /* CANCELLED */ ? "" : remains.stderrTail,
      runMs: runUs / 1e3,
      errorName,
      ...remains.memory,
      askedBytes
    };
    this.#ready.push({ body: { $case: "failure", failure: failure2 } });
  }
  /**
   * Hands what has been gathered to the link; a moment later, with more, while this worker has enough to do.
   *
   * @param waiting how many tasks wait here
   */
  settle(waiting) {
    const enough = Math.min(this.#gatherTasks, waiting * this.#gatherPart);
    const restMs = this.#sentAt + this.#gatherMs - performance.now();
    const urgent = this.#ended === 0 || this.#returned.length > 0 || this.#ready.length > 0;
    const isMuch = this.#ended >= enough || this.#bytes >= GATHER_BYTES;
    if (urgent || isMuch || restMs <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), restMs);
  }
  /** Hands what has been gathered to the link. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = void 0;
    this.#order();
    const messages = this.#ready;
    if (messages.length === 0) return;
    this.#ready = [];
    messages.forEach((message, i) => {
      this.#send(i + 1 < messages.length ? joinNext(message) : message);
    });
  }
  /** Forgets what has not been told. */
  close() {
    clearTimeout(this.#timer);
  }
  #order() {
    this.#orderFinished();
    this.#orderStarted();
    if (this.#returned.length === 0) return;
    for (const returned of columns(this.#returned))
      this.#ready.push({ body: { $case: "returned", returned } });
    this.#returned.length = 0;
  }
  #orderFinished() {
    if (this.#ended === 0) return;
    for (const { message, parts, repeated } of this.#finished.values()) {
      if (!repeated) message.attempts = [];
      message.values = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      this.#ready.push({ body: { $case: "finished", finished: message } });
    }
    this.#finished.clear();
    this.#ended = 0;
    this.#bytes = 0;
    this.#sentAt = performance.now();
  }
  #orderStarted() {
    if (this.#started.size === 0) return;
    for (const started of columns(this.#started)) this.#ready.push({ body: { $case: "started", started } });
    this.#started.clear();
  }
};
function columns(tasks) {
  const all = [];
  for (const { session, task, attempt: attempt2 } of tasks) {
    let column = all.at(-1);
    if (column?.message.session !== session) {
      column = { message: { session, tasks: [], attempts: [] }, repeated: false };
      all.push(column);
    }
    column.message.tasks.push(task);
    column.message.attempts.push(attempt2);
    if (attempt2 !== 1) column.repeated = true;
  }
  return all.map(({ message, repeated }) => repeated ? message : { ...message, attempts: [] });
}

// bench/played-worker.ts
var NOTHING = new Uint8Array(0);
var PlayedWorker = class {
  #link;
  #reports;
  #taskMs;
  #timers;
  #waiting = [];
  #running = 0;
  constructor(link, taskMs2, timers) {
    this.#link = link;
    this.#reports = new Reports(link, "");
    this.#taskMs = taskMs2;
    this.#timers = timers;
  }
  take(body) {
    switch (body.$case) {
      case "assign":
        return this.#assigned(body.assign);
      case "promote":
        for (const task of this.#remove(body.promote)) this.#begin(task, performance.now());
        return;
      case "retract":
        for (const task of this.#remove(body.retract)) this.#reports.returned(task);
        return this.#reports.settle(this.#waiting.length);
      case "cancel":
        throw new Error("a played worker cannot cancel");
    }
  }
  /** Lets the head know that it lives. */
  beat(everyMs) {
    setInterval(
      () => this.#link.send({
        body: { $case: "heartbeat", heartbeat: { running: this.#running, loopLagMs: 0 } }
      }),
      everyMs
    ).unref();
  }
  #assigned({ session, tasks, attempts, granted, reportMs }) {
    this.#reports.pace(reportMs);
    const now = performance.now();
    for (let i = 0; i < tasks.length; i += 1) {
      const task = { session, task: tasks[i], attempt: attempts[i] ?? 1, arrivedMs: now };
      if (granted) this.#begin(task, now);
      else this.#waiting.push(task);
    }
  }
  #begin(task, atMs) {
    this.#running += 1;
    const dueMs = atMs + this.#taskMs;
    this.#timers.at(dueMs, () => this.#end(task, dueMs));
  }
  #end(task, endedMs) {
    this.#running -= 1;
    this.#reports.finished(task, NOTHING, Math.round(this.#taskMs * 1e3));
    const next = this.#waiting.shift();
    if (next !== void 0) {
      this.#reports.started(next);
      this.#begin(next, Math.max(endedMs, next.arrivedMs));
    }
    this.#reports.settle(this.#waiting.length);
  }
  #remove({ session, tasks }) {
    const named = new Set(tasks);
    const removed = this.#waiting.filter((task) => task.session === session && named.has(task.task));
    this.#waiting = this.#waiting.filter((task) => !removed.includes(task));
    return removed;
  }
};

// bench/tell.ts
function tell(type, fields = {}) {
  process.stdout.write(`${JSON.stringify({ type, ...fields })}
`);
}
function numberAt(position) {
  return Number(process.argv[2 + position]);
}

// bench/program/crowd.ts
var [workers, taskMs] = [numberAt(1), numberAt(2)];
var Wheel = class {
  #slots = Array.from({ length: 1024 }, () => []);
  #at = Math.floor(performance.now());
  #pending = 0;
  at(dueMs, then) {
    const slot = Math.min(Math.max(Math.ceil(dueMs), this.#at + 1), this.#at + 1023);
    this.#slots[slot % 1024].push(then);
    this.#pending += 1;
    if (this.#pending === 1) this.#turnLater();
  }
  #turnLater() {
    setTimeout(() => this.#turn(), 1);
  }
  #turn() {
    const now = Math.floor(performance.now());
    while (this.#at < now && this.#pending > 0) {
      this.#at += 1;
      const slot = this.#at % 1024;
      const due = this.#slots[slot];
      if (due.length === 0) continue;
      this.#slots[slot] = [];
      this.#pending -= due.length;
      for (const then of due) then();
    }
    if (this.#pending > 0) this.#turnLater();
    else this.#at = now;
  }
};
var wheel = new Wheel();
async function join5(index) {
  const { link } = await connectWorker(process.argv[2], { giveUpMs: 3e4 });
  const worker = new PlayedWorker(link, taskMs, wheel);
  await new Promise((resolve2, reject) => {
    link.receive({
      messages(batch) {
        for (const { body } of batch) {
          if (body?.$case === "accepted") {
            worker.beat(body.accepted.heartbeatMs);
            resolve2();
          } else if (body?.$case === "refused") reject(new Error(body.refused.message));
          else if (body !== void 0) worker.take(body);
        }
      },
      // The head has ended: so does this.
      ended: () => process.exit(0)
    });
    const pool = { cores: [0], gpus: [], memoryBytes: 2 ** 30, others: [], tokens: [], numa: [] };
    const message = {
      body: {
        $case: "join",
        join: { hello: hello(), name: `played-${index}`, pool, imports: [], resume: false }
      }
    };
    link.send(message);
  });
}
for (let from = 0; from < workers; from += 50) {
  await Promise.all(Array.from({ length: Math.min(50, workers - from) }, (_, i) => join5(from + i)));
}
tell("joined");
