import { describe, expect, it, onTestFinished } from "vitest";
import { untilEnded } from "../../../client/cli/wait.js";
import { startHead } from "../../../head/index.js";
import { AuthError, ConnectionError } from "../../../proto/errors.js";
import type { ClientMessage, HeadToClient, SessionInfo } from "../../../proto/grain.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { ScriptedClient } from "../../kit/peers.js";
import { grain } from "./spoken.js";

const session = (number: number, finished = 0): SessionInfo => ({
  session: number,
  name: "sweep",
  host: "laptop",
  pid: 9,
  prioritized: false,
  queued: 1,
  running: 0,
  finished,
  failed: 1,
});

/** A head that answers so, one after the other. */
function answering(...answers: (SessionInfo[] | Error)[]) {
  let at = 0;
  return {
    asked: () => at,
    async status() {
      const answer = answers[at]!;
      at += 1;
      if (answer instanceof Error) throw answer;
      return { sessions: answer };
    },
  };
}

const warnings: string[] = [];
const patience = {
  timeoutMs: undefined,
  voice: { warn: (text: string) => void warnings.push(text) },
  askMs: 1,
};

describe("waiting for a session", () => {
  it("ends with what was seen of it last", async () => {
    const head = answering([session(2), session(3)], [session(2, 7)], [session(3)]);
    expect(await untilEnded(head, 2, patience)).toMatchObject({ session: 2, finished: 7, failed: 1 });
    expect(head.asked()).toBe(3);
  });

  it("asks again where no head answers for a while, and says so once", async () => {
    const lost = new ConnectionError("No head answers.");
    const head = answering([session(2, 5)], lost, lost, [session(2, 6)], []);
    expect(await untilEnded(head, 2, patience)).toMatchObject({ finished: 6 });
    expect(warnings).toEqual(["Asking again: No head answers."]);
  });

  it("passes on what does not pass", async () => {
    const head = answering([session(2)], new AuthError("It was revoked."));
    await expect(untilEnded(head, 2, patience)).rejects.toThrow("It was revoked.");
  });

  it("ends when it is too late", async () => {
    const forever = { status: async () => ({ sessions: [session(2)] }) };
    await expect(untilEnded(forever, 2, { ...patience, timeoutMs: 20 })).rejects.toThrow(
      /^Session 2 has not ended within 0:00:00\.02: `grain job 2` shows how it stands\.$/,
    );
  });
});

describe("grain wait", () => {
  it("finds the session by its name, at a head", async () => {
    const { head, addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
    onTestFinished(() => close());
    const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
    head.acceptClient(heads);
    const client = new ScriptedClient(mine);
    await client.open({ name: "sweep" });
    const late = await grain("wait", "sweep", "--timeout", "10ms", "--address", addresses[0]!);
    expect(late).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^grain: Session 1 has not ended within .*\n$/),
    });
    // Asked once at the least before it ends: the name has to be found.
    const status = head.status.bind(head);
    let asked = 0;
    head.status = () => {
      asked += 1;
      const answer = status();
      if (asked === 2) client.closeSession();
      return answer;
    };
    const ended = await grain("wait", "sweep", "--json", "--address", addresses[0]!);
    expect({ ...ended, stdout: JSON.parse(ended.stdout) }).toEqual({
      code: 0,
      stdout: { session: 1, name: "sweep", finished: 0, failed: 0, waitedMs: expect.any(Number) },
      stderr: "",
    });
    const gone = await grain("wait", "sweep", "--address", addresses[0]!);
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/There is no session "sweep"/) });
  });
});
