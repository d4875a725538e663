// A provider in words: how it stands, and what a form must hold before it can be added. Pure.

import type { ProviderLink, ProviderView } from "../../generated/api";
import type { GlyphName } from "../../live/posture";

export interface Standing {
  glyph: GlyphName;
  word: string;
  /** Why moves by this provider are not proven; none when they are. */
  bar: string | undefined;
}

export function standingOfProvider(one: ProviderView): Standing {
  if (!one.tested) return { glyph: "todo", word: "Not tested", bar: "Moves are not proven: it was never tested" };
  if (!one.tested.passed) return { glyph: "down", word: "Test failed", bar: `DNS cannot move here: ${one.tested.summary}` };
  if (one.tested.checks.some((check) => check.outcome === "warned")) return { glyph: "degraded", word: "Works, with a warning", bar: undefined };
  return { glyph: "ready", word: "Works", bar: undefined };
}

/** What counts beside Providers in the sidebar. */
export function isBroken(one: ProviderView): boolean {
  return one.tested?.passed === false;
}

export const ALGORITHMS = ["hmac-sha256", "hmac-sha384", "hmac-sha512"] as const;

export interface Draft {
  name: string;
  server: string;
  zone: string;
  keyName: string;
  algorithm: string;
  secret: string;
}

const HOST = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\.?$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** What is wrong with each field; the host checks again, and its word counts. */
export function faults(draft: Draft, taken: readonly string[]): Partial<Record<keyof Draft, string>> {
  const out: Partial<Record<keyof Draft, string>> = {};
  const name = draft.name.trim();
  if (name === "") out.name = "Give it a name";
  else if (taken.includes(name)) out.name = "This name is taken";
  if (draft.server.trim() === "") out.server = "The primary's address";
  else if (!isServer(draft.server.trim())) out.server = "An address or host, with a port if it is not 53";
  if (!HOST.test(draft.zone.trim())) out.zone = "A zone such as example.com";
  if (!HOST.test(draft.keyName.trim())) out.keyName = "The key's name at the server";
  const secret = draft.secret.trim();
  if (secret === "") out.secret = "The key's base64";
  else if (!BASE64.test(secret) || secret.length % 4 !== 0) out.secret = "This is not base64";
  return out;
}

function isServer(text: string): boolean {
  const six = /^\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?$/.exec(text);
  if (six) return six[2] === undefined || isPort(six[2]);
  const [host = "", port, more] = text.split(":");
  if (more !== undefined) return /^[0-9A-Fa-f:.]+$/.test(text);
  return HOST.test(host) && (port === undefined || isPort(port));
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

export function linkOf(draft: Draft): ProviderLink {
  return { kind: "rfc2136", server: draft.server.trim(), zone: draft.zone.trim(), keyName: draft.keyName.trim(), algorithm: draft.algorithm };
}

/** What breaks when it is gone. */
export function breaks(one: ProviderView): string[] {
  return one.pools.map((pool) => `DNS of ${pool} can no longer be read or moved`);
}
