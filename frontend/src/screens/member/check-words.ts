// A health check's code in plain words, and what to look at. Pure. The codes are HAProxy's (`check_status` of show stat).

import type { StatRow } from "../../generated/api";
import { plural, span } from "../../lib/format";

interface Meaning {
  /** Ends the sentence "The last check …". */
  says: string;
  /** Where to look. */
  look: string;
}

const HOST = "The machine may be off, a firewall may drop the packets, or nothing routes there.";
const APP = "The machine answers; look at the application and its log.";
const MEANINGS: Record<string, Meaning> = {
  UNK: { says: "has not run yet", look: "" },
  INI: { says: "is about to run for the first time", look: "" },
  SOCKERR: { says: "could not even begin: this member could not open a socket", look: "Look at the limits and the addresses of this member." },
  L4OK: { says: "could open a connection", look: "" },
  L4TOUT: { says: "got no answer when it tried to connect", look: HOST },
  L4CON: { says: "was refused a connection", look: "Nothing listens on that port, or a firewall rejects the connection." },
  L6OK: { says: "could open a TLS connection", look: "" },
  L6TOUT: { says: "connected, and TLS did not answer in time", look: APP },
  L6RSP: { says: "connected, and TLS failed", look: "Look at the server's certificate and at the TLS versions both sides accept." },
  L7OK: { says: "got the right answer", look: "" },
  L7OKC: { says: "got an answer that asks for no new sessions", look: "The application takes itself out, as it was told to." },
  L7TOUT: { says: "connected, and the application did not answer in time", look: APP },
  L7RSP: { says: "connected, and the answer was no answer of that protocol", look: "Another program may listen on that port." },
  L7STS: { says: "got an answer that says the application is not well", look: APP },
  PROCERR: { says: "was a program that failed", look: "Look at the external check's program on this member." },
  PROCTOUT: { says: "was a program that did not end in time", look: "Look at the external check's program on this member." },
  PROCOK: { says: "was a program that said all is well", look: "" },
};

interface Check {
  status: string;
  code: string;
  said: string;
}

export function readCheck(text: string): Check | undefined {
  const found = /^(?:\* )?([A-Z0-9]+)(?: (\d{1,5}))?(?:: ([\s\S]*))?$/.exec(text.trim());
  return found ? { status: found[1] ?? "", code: found[2] ?? "", said: found[3] ?? "" } : undefined;
}

/** `L7OK 200 in 4 ms`, as the table shows it; HAProxy's own text where it is none of its codes. */
export function checkBrief(row: StatRow): string {
  if (row.check === "") return "";
  const check = readCheck(row.check);
  if (!check) return row.check;
  const time = row.checkMs === undefined ? "" : /TOUT$/.test(check.status) ? ` after ${length(row.checkMs)}` : ` in ${length(row.checkMs)}`;
  return `${[check.status, check.code].filter(Boolean).join(" ")}${time}`;
}

/** Why a server does not take traffic, sentence by sentence. `mates` are the servers of its backend, itself among them. */
export function whyDown(row: StatRow, mates: readonly StatRow[]): string[] {
  const check = readCheck(row.check);
  const meaning = check ? MEANINGS[check.status] : undefined;
  const where = row.address === "" ? row.name : `${row.name} (${row.address})`;
  const out: string[] = [];
  if (check && meaning) {
    const time = row.checkMs === undefined ? "" : /TOUT$/.test(check.status) ? ` for ${length(row.checkMs)}` : `, after ${length(row.checkMs)}`;
    out.push(`The last check of ${where} ${meaning.says}${check.code ? ` (status ${check.code})` : ""}${time}.`);
    if (meaning.look) out.push(meaning.look);
  } else if (row.check === "") {
    out.push(`HAProxy says ${row.status} about ${where} and names no check.`);
  } else {
    out.push(`The last check of ${where} ended with words that this console does not know.`);
  }
  if (row.changedS !== undefined) {
    out.push(`It stands like that for ${span(row.changedS * 1000)}${row.downs > 1 ? ` and went down ${row.downs} times since HAProxy started` : ""}.`);
  }
  const up = mates.filter((one) => one.state === "up" || one.state === "shaky" || one.state === "unchecked").length;
  if (mates.length > 0) {
    out.push(up > 0 ? `${plural(up, "other server", "other servers")} of ${row.proxy} ${up === 1 ? "carries" : "carry"} its share.`
      : `No server of ${row.proxy} takes traffic: its clients get errors.`);
  }
  return out;
}

function length(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}
