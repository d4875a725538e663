import { expect, test } from "vitest";

import { isStroke, isTyping, keyCaps, match, parseKeys } from "./keys";

const press = (key: string, mods: Partial<Record<"ctrlKey" | "altKey" | "shiftKey" | "metaKey", boolean>> = {}) => ({
  key, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...mods,
});

test("modifiers count, shift only for letters", () => {
  const [palette] = parseKeys("Ctrl+K");
  expect(isStroke(press("k", { ctrlKey: true }), palette!)).toBe(true);
  expect(isStroke(press("k", { metaKey: true }), palette!)).toBe(true);
  expect(isStroke(press("k"), palette!)).toBe(false);
  expect(isStroke(press("?", { shiftKey: true }), parseKeys("?")[0]!)).toBe(true);
  expect(isStroke(press("V", { ctrlKey: true }), parseKeys("Ctrl+Shift+V")[0]!)).toBe(false);
  expect(isTyping(parseKeys("C")[0]!)).toBe(true);
  expect(isTyping(palette!)).toBe(false);
  expect(keyCaps("Ctrl+Shift+V")).toEqual(["Ctrl", "Shift", "V"]);
});

test("sequences wait, hit, or end", () => {
  const table = [
    { strokes: parseKeys("G O"), value: "overview" },
    { strokes: parseKeys("G I"), value: "incidents" },
    { strokes: parseKeys("C"), value: "cut" },
  ];
  expect(match([press("g")], table)).toEqual({ kind: "waiting" });
  expect(match([press("g"), press("i")], table)).toEqual({ kind: "hit", value: "incidents" });
  expect(match([press("g"), press("x")], table)).toEqual({ kind: "none" });
  expect(match([press("c")], table)).toEqual({ kind: "hit", value: "cut" });
});

test("the space bar is a key by name, and types inside a text field", () => {
  const event = press(" ");
  expect(parseKeys("Space").map((stroke) => isStroke(event, stroke))).toEqual([true]);
  expect(parseKeys("Space").every(isTyping)).toBe(true);
});

test("the plus key reads, shows, and needs no Shift with Ctrl", () => {
  const event = (key: string) => ({ key, ctrlKey: true, metaKey: false, altKey: false, shiftKey: false });
  const [plus] = parseKeys("Ctrl++");
  expect([isStroke(event("+"), plus!), isStroke(event("="), plus!), isStroke({ ...event("="), ctrlKey: false }, plus!)]).toEqual([true, true, false]);
  expect([keyCaps("Ctrl++"), keyCaps("+"), keyCaps("Ctrl+-"), keyCaps("G I")]).toEqual([["Ctrl", "+"], ["+"], ["Ctrl", "-"], ["G", "I"]]);
});
