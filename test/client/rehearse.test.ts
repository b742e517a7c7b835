import { expect, it } from "vitest";
import { rehearse } from "../../client/rehearse.js";

it("makes calls that end", async () => {
  expect(await rehearse()).toEqual([undefined, undefined, undefined]);
});
