import fc from "fast-check";
import { expect, it } from "vitest";
import { joinNext, Outbox } from "../../../proto/link/outbox.js";

function message(id: number, bytes: number) {
  return { id, body: { $case: "output", output: { text: new Uint8Array(bytes) } } };
}

it("gives everything back in order, in batches bounded in bytes", () => {
  const sizes = fc.array(fc.oneof(fc.nat(2_000), fc.constant(700_000), fc.constant(3_000_000)), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(sizes, fc.nat(20), (weights, early) => {
      const outbox = new Outbox<ReturnType<typeof message>>();
      const out: number[] = [];
      const take = () => {
        const batch = outbox.take();
        expect(batch.length).toBeGreaterThan(0);
        const total = batch.reduce((sum, { body }) => sum + body.output.text.byteLength, 0);
        if (batch.length > 1) expect(total).toBeLessThanOrEqual(1024 * 1024);
        out.push(...batch.map(({ id }) => id));
      };
      weights.forEach((bytes, id) => {
        outbox.push(message(id, bytes));
        if (id === early) take();
      });
      while (!outbox.empty) take();
      expect(out).toEqual(weights.map((_, id) => id));
      expect(outbox.bytes).toBe(0);
    }),
  );
});

it("cuts no batch behind a message that is joined to the next, also when they are sent again", () => {
  const all = [
    message(0, 700_000),
    joinNext(message(1, 700_000)),
    joinNext(message(2, 700_000)),
    message(3, 1),
  ];
  for (const from of [0, 1, 2]) {
    const outbox = new Outbox<ReturnType<typeof message>>();
    for (const each of [...all.slice(from), message(4, 1_000_000)]) outbox.push(each);
    const batches = [];
    while (!outbox.empty) batches.push(outbox.take().map(({ id }) => id));
    expect(batches).toEqual([...(from === 0 ? [[0]] : []), [1, 2, 3].filter((id) => id >= from), [4]]);
  }
});
