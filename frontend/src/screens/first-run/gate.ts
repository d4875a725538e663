// Whether the console can be used at all yet. Pure.

import type { HostStatus } from "../../generated/api";

export type Gate = "open" | "first-run" | "locked";

/** `refused`: the code with which the host refused to tell of its pools, if it did. */
export function gateOf(host: HostStatus | undefined, refused: string | undefined): Gate {
  if (host?.profile === "missing") return "first-run";
  return host !== undefined && refused === "vault-locked" ? "locked" : "open";
}

/** What is wrong with a passphrase and its repetition. */
export function passphraseWrong(first: string, second: string): string | undefined {
  if (first === "") return "A vault in a file needs a passphrase";
  return first === second ? undefined : "The two are not the same";
}

const NAME_BYTES_MAX = 64;

export function consoleNameWrong(name: string): string | undefined {
  if (name.trim() === "") return "A name by which others know this console";
  return new TextEncoder().encode(name).length > NAME_BYTES_MAX ? `At most ${NAME_BYTES_MAX} bytes` : undefined;
}
