import fc from "fast-check";
import { expect, it } from "vitest";
import { Outbox } from "../../../proto/link/outbox.js";

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
