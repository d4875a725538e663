// A member's settings while they are being changed: what differs, what is wrong, what a change amounts to. Pure.

import type { MemberView } from "../../generated/api";
import { placeOf } from "../../live/told";
import { isV4, listOf, sourcesWrong } from "../add-member/address";

export interface MemberDraft {
  name: string;
  address: string;
  /** As typed: addresses parted by commas. */
  sources: string;
  priority: string;
  /** `Amsterdam, 52.37, 4.9`; empty for nowhere. */
  place: string;
}

export interface MemberPatch {
  name?: string;
  address?: string;
  sources?: string[];
  priority?: number;
  place?: string;
}

const PRIORITY_MAX = 4_294_967_295;
const NAME_MAX = 63;

export function memberDraft(view: MemberView): MemberDraft {
  return { name: view.name, address: view.address, sources: view.sources.join(", "), priority: String(view.priority), place: placeText(view) };
}

function placeText(view: MemberView): string {
  const place = placeOf(view);
  return place ? `${place.name}, ${place.latitude}, ${place.longitude}` : "";
}

/** Only what differs; empty when nothing does. The order of the sources says nothing. */
export function memberPatch(view: MemberView, draft: MemberDraft): MemberPatch {
  const sources = listOf(draft.sources);
  const same = sources.length === view.sources.length && sources.every((one) => view.sources.includes(one));
  return {
    ...(draft.name.trim() === view.name ? {} : { name: draft.name.trim() }),
    ...(draft.address.trim() === view.address ? {} : { address: draft.address.trim() }),
    ...(same ? {} : { sources }),
    ...(draft.priority.trim() === String(view.priority) ? {} : { priority: Number(draft.priority) }),
    ...(draft.place.trim() === placeText(view) ? {} : { place: draft.place.trim() }),
  };
}

/** The request that brings back what was. */
export function backPatch(view: MemberView, patch: MemberPatch): MemberPatch {
  return {
    ...(patch.name === undefined ? {} : { name: view.name }), ...(patch.address === undefined ? {} : { address: view.address }),
    ...(patch.sources === undefined && patch.address === undefined ? {} : { sources: view.sources }), ...(patch.priority === undefined ? {} : { priority: view.priority }),
    ...(patch.place === undefined ? {} : { place: placeText(view) }),
  };
}

export interface MemberWrong {
  name: string | undefined;
  address: string | undefined;
  sources: string | undefined;
  priority: string | undefined;
  place: string | undefined;
}

export function memberWrong(draft: MemberDraft, taken: readonly string[]): MemberWrong {
  const name = draft.name.trim();
  const priority = draft.priority.trim();
  return {
    name: name === "" ? "A member needs a name" : name.length > NAME_MAX ? `At most ${NAME_MAX} characters` : taken.includes(name) ? `${name} is another member` : undefined,
    address: isV4(draft.address.trim()) ? undefined : `${draft.address.trim() || "Nothing"} is no IPv4 address`,
    sources: sourcesWrong(draft.sources),
    priority: /^\d{1,10}$/.test(priority) && Number(priority) <= PRIORITY_MAX ? undefined : "A whole number from 0; lower is preferred",
    place: placeWrong(draft.place.trim()),
  };
}

function placeWrong(text: string): string | undefined {
  if (text === "") return undefined;
  const [name, north, east, ...rest] = text.split(",").map((part) => part.trim());
  const within = (degrees: string | undefined, most: number) => degrees !== undefined && /^-?\d{1,3}(\.\d{1,6})?$/.test(degrees) && Math.abs(Number(degrees)) <= most;
  return name && rest.length === 0 && within(north, 90) && within(east, 180) ? undefined : "Write name, degrees north, degrees east: Amsterdam, 52.37, 4.90";
}

/** Who may call and what DNS publishes touch more than words: these are asked about first. */
export function touchesTraffic(patch: MemberPatch): boolean {
  return patch.address !== undefined || patch.sources !== undefined;
}
