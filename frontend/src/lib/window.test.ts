import { expect, test } from "vitest";

import { visibleSlice } from "./window";

test("only what is seen is drawn, and the room adds up", () => {
  const slice = visibleSlice(500, 34, 3400, 680);
  expect(slice).toEqual({ from: 94, to: 126, above: 94 * 34, below: 374 * 34 });
  expect(visibleSlice(3, 34, 0, 680)).toEqual({ from: 0, to: 3, above: 0, below: 0 });
  expect(visibleSlice(0, 34, 500, 680)).toEqual({ from: 0, to: 0, above: 0, below: 0 });
});
