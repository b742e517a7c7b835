/** What is written and deleted, when records come and go under one key. */

import { describe, expect, it } from "vitest";
import { type Batch, Changes, Entry } from "../../../head/journal/changes.js";

const entry = (key = "task/1") => new Entry(key, () => new Uint8Array(1));
const what = (batch: Batch) => [...batch].map(([key, each]) => `${each === undefined ? "-" : "+"}${key}`);

function written() {
  const changes = new Changes(() => {});
  const first = entry();
  changes.put(first);
  changes.take();
  return { changes, first };
}

describe("changes", () => {
  it("leave out what came and went", () => {
    const changes = new Changes(() => {});
    const only = entry();
    changes.put(only);
    changes.remove(only);
    expect(what(changes.take())).toEqual([]);
  });

  it("delete what was written", () => {
    const { changes, first } = written();
    changes.remove(first);
    expect(what(changes.take())).toEqual(["-task/1"]);
  });

  it("delete what was written also when another took its place and went as well", () => {
    const { changes, first } = written();
    changes.remove(first);
    const second = entry();
    changes.put(second);
    changes.remove(second);
    expect(what(changes.take())).toEqual(["-task/1"]);
  });

  it("delete it also when the batch that should have failed", () => {
    const { changes, first } = written();
    changes.remove(first);
    const failed = changes.take();
    const second = entry();
    changes.put(second);
    changes.bringBack(failed);
    changes.remove(second);
    expect(what(changes.take())).toEqual(["-task/1"]);
  });

  it("that could not be written are due again, save where something newer is", () => {
    const changes = new Changes(() => {});
    changes.put(entry("task/1"));
    changes.put(entry("task/2"));
    const failed = changes.take();
    const newer = entry("task/2");
    changes.put(newer);
    changes.bringBack(failed);
    const again = changes.take();
    expect(what(again)).toEqual(["+task/1", "+task/2"]);
    expect(again.get("task/2")).toBe(newer);
  });
});
