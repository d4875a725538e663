import { BORDERS, LAND, PROBES, WORLD } from "virtual:land";
import { expect, test } from "vitest";

import { cropOf, layLabels, pointOf, WORLD_WIDTH } from "./places";

test("the page's formula is the drawing's projection", () => {
  expect(WORLD).toBe(WORLD_WIDTH);
  for (const [[longitude, latitude], [x, y]] of PROBES) {
    const at = pointOf({ longitude, latitude });
    expect(at.x).toBeCloseTo(x, 6);
    expect(at.y).toBeCloseTo(y, 6);
  }
});

test("the drawing is small, whole numbers, and covers the world", () => {
  expect(LAND.length + BORDERS.length).toBeLessThan(260_000);
  expect(LAND).toMatch(/^M[-\d]+ [-\d]+[-\d lzM]+$/);
});

const LONDON = pointOf({ latitude: 51.5, longitude: -0.1 });
const MILAN = pointOf({ latitude: 45.5, longitude: 9.2 });

test("a crop has the box's shape, shows every place with room around, and a lone place with its surroundings", () => {
  const crop = cropOf([LONDON, MILAN], 720, 300);
  expect(crop.w / crop.h).toBeCloseTo(2.4, 6);
  for (const point of [LONDON, MILAN]) {
    expect(point.x).toBeGreaterThan(crop.x);
    expect(point.x).toBeLessThan(crop.x + crop.w);
    expect(point.y).toBeGreaterThan(crop.y);
    expect(point.y).toBeLessThan(crop.y + crop.h);
  }
  expect(cropOf([LONDON], 720, 300).w).toBe(420);
  expect(cropOf([pointOf({ latitude: 89, longitude: -180 }), pointOf({ latitude: -89, longitude: 180 })], 720, 300).w).toBe(WORLD_WIDTH);
});

test("words of one place do not cover each other", () => {
  const crop = cropOf([LONDON, MILAN], 720, 300);
  const laid = layLabels(Array.from({ length: 6 }, (_, i) => ({ id: `m${i}`, point: MILAN })), crop, 720, 300);
  const tops = laid.map((one) => one.top).sort((a, b) => a - b);
  tops.slice(1).forEach((top, i) => expect(top - tops[i]!).toBeGreaterThanOrEqual(43.9));
  expect(tops.at(-1)! + 44).toBeLessThanOrEqual(300);
});
