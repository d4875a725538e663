// Where a member stands and what runs on it. What a listing says of stacks is not in the api's types yet, so it is read with
// care, as everything untyped: an absent or odd field is absent here, and whatever shows it is then hidden.

import type { MemberView } from "../generated/api";
import type { Report } from "./haproxy";

export interface Place {
  name: string;
  latitude: number;
  longitude: number;
}

export interface Stack {
  name: string;
  version: string | undefined;
  /** The state of its service, in systemd's word. */
  unit: string | undefined;
}

const STACKS_MAX = 12;
const MICRO = 1_000_000;

export function placeOf(view: MemberView | undefined): Place | undefined {
  const from = view?.place;
  return from && { name: from.name, latitude: from.northMicro / MICRO, longitude: from.eastMicro / MICRO };
}

/** What was found on a member: what its listing names, and its HAProxy. */
export function stacksOf(view: MemberView | undefined, report: Report | undefined): Stack[] {
  const listed = fields(view)?.["stacks"];
  const named = (Array.isArray(listed) ? listed : []).slice(0, STACKS_MAX).flatMap((one): Stack[] => {
    const from = fields(one);
    const name = text(from?.["name"]);
    return name === undefined ? [] : [{ name, version: text(from?.["version"]), unit: text(from?.["unit"]) }];
  });
  const haproxy = report?.version && !named.some((one) => one.name === "HAProxy") ? [{ name: "HAProxy", version: report.version, unit: report.unit || undefined }] : [];
  return [...haproxy, ...named];
}

function fields(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= 200 ? value : undefined;
}
