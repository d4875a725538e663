import { expect, test } from "vitest";

import type { Health, Role } from "../generated/api";
import { memberGlyph, poolGlyph } from "./posture";

const member = (role: Role, kind: Health["kind"]) => ({
  role, health: (kind === "ready" ? { kind } : { kind, reason: "said so" }) as Health,
});
const pool = { wouldMove: "yes", traffic: "yes", managed: true, members: [member("active", "ready"), member("standby", "ready")] } as const;

test("an active member shows its role only while it is ready", () => {
  expect(memberGlyph(member("active", "ready"), true)).toBe("active");
  expect(memberGlyph(member("active", "down"), true)).toBe("down");
  expect(memberGlyph(member("standby", "ready"), true)).toBe("ready");
  expect(memberGlyph(member("active", "ready"), false)).toBe("unknown");
});

test("a pool shows whether it would fail over, and is never red because we are blind", () => {
  expect(poolGlyph(pool, true)).toBe("ready");
  expect(poolGlyph({ ...pool, wouldMove: "no" }, true)).toBe("degraded");
  expect(poolGlyph({ ...pool, members: [member("active", "down")] }, true)).toBe("down");
  expect(poolGlyph({ ...pool, members: [member("active", "down")] }, false)).toBe("unknown");
  expect(poolGlyph({ ...pool, members: [] }, true)).toBe("unknown");
  expect(poolGlyph({ ...pool, managed: false, wouldMove: "no" }, true)).toBe("ready");
});
