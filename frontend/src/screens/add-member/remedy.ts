// What a failed enrolment means and what helps. Both sides are named from what was asked here and from the host's own
// words; nothing is read out of those words. Pure.

import type { Code } from "../../generated/api";
import type { StepId } from "./checklist";

/** What a fix does; the dialog knows how. */
export type Fix =
  | { do: "again"; text: string }
  | { do: "new-secret"; text: string }
  | { do: "allow"; text: string; source: string }
  | { do: "edit"; text: string; field: "address" | "hostname" | "sources" }
  | { do: "open-member"; text: string };

export interface Remedy {
  /** What happened, with both sides. */
  title: string;
  body: string;
  fixes: readonly Fix[];
  /** Commands to find out or to put right, with where they run. */
  commands: readonly { where: string; what: string; text: string }[];
}

export interface Failed {
  step: StepId | undefined;
  code: Code;
  message: string;
  ip: string;
  port: number;
  hostname: string;
  name: string;
  sources: readonly string[];
}

const AGAIN: Fix = { do: "again", text: "Try again" };
const NEW: Fix = { do: "new-secret", text: "Make a new secret" };

export function remedy(failed: Failed): Remedy {
  switch (failed.step) {
    case "relay-answers": return ofRelay(failed);
    case "secret-accepted": return ofSecret(failed);
    case "source-allowed": return ofSource(failed);
    case "hostname-equal": return ofHostname(failed);
    case "service-started": return ofService(failed);
    case "first-heartbeat": return ofHeartbeat(failed);
    default: return { title: "It could not be tried", body: failed.message, fixes: [AGAIN, { do: "edit", text: "Change the address", field: "address" }], commands: [] };
  }
}

/** Nothing answers, or somebody else does. Also shown while it is still being called. */
export function ofRelay({ code, ip, port, hostname }: Pick<Failed, "code" | "ip" | "port" | "hostname">): Remedy {
  if (code === "conflict") {
    return {
      title: `The agent at ${ip}:${port} belongs to a fleet already.`, body: `This console expected one that waits to be enrolled as ${hostname}. Run the command there again: it begins anew.`,
      fixes: [AGAIN, { do: "edit", text: "Change the address", field: "address" }],
      commands: [{ where: `on ${hostname}`, what: "enrol anew", text: `sudo balctl-agent enrol --hostname ${hostname}` }],
    };
  }
  if (code !== "unreachable") return { title: `${ip}:${port} answered, and refused this console.`, body: "Its own words are below.", fixes: [AGAIN, { do: "edit", text: "Change the address", field: "address" }], commands: [] };
  return {
    title: `Nothing answers on TCP ${port} at ${ip}.`,
    body: `This console calls ${ip}; ${hostname} has to listen there. If SSH answers, the machine's firewall or the cloud's security group is the likely cause. If it does not, the address is.`,
    fixes: [AGAIN, { do: "edit", text: "Change the address", field: "address" }],
    commands: [
      { where: "on this computer", what: "does the port answer", text: `nc -vz ${ip} ${port}` },
      { where: `on ${hostname}`, what: "does the agent listen", text: `ss -ltn sport = :${port}` },
      { where: "ufw", what: "open the port", text: `sudo ufw allow ${port}/tcp` },
      { where: "firewalld", what: "open the port", text: `sudo firewall-cmd --permanent --add-port=${port}/tcp && sudo firewall-cmd --reload` },
      { where: "nftables", what: "open the port", text: `sudo nft insert rule inet filter input tcp dport ${port} accept` },
    ],
  };
}

function ofSecret({ code, message, ip, name, hostname }: Failed): Remedy {
  const spent = code === "conflict" || code === "throttled";
  return {
    title: spent ? `The secret of ${name} cannot be used any more.` : `The secret typed at ${ip} is not the one made for ${name}.`,
    body: spent ? `${message}. A secret works once, for 24 h and a few tries.` : "Paste the 48 characters that stand here as Secret; a member id or a fingerprint does not fit. A wrong one counts as a try.",
    fixes: spent ? [NEW] : [AGAIN, NEW],
    commands: spent ? [] : [{ where: `on ${hostname}`, what: "be asked again", text: `sudo balctl-agent enrol --hostname ${hostname}` }],
  };
}

function ofSource({ ip, sources, name }: Failed): Remedy {
  return {
    title: `Came from ${ip}, allowed ${sources.length === 1 ? "is" : "are"} ${sources.join(", ")}. Allow it?`,
    body: `${name} proved its secret, and its connection is not from where it may call. Allowing ${ip} makes a new secret, because the old one is signed for its list.`,
    fixes: [{ do: "allow", text: `Allow ${ip}`, source: ip }, { do: "edit", text: "Change the list", field: "sources" }], commands: [],
  };
}

function ofHostname({ hostname, message }: Failed): Remedy {
  return {
    title: `It does not call itself ${hostname}.`, body: `${message}. Set the name there, or take the name it says.`,
    fixes: [AGAIN, { do: "edit", text: "Take another hostname", field: "hostname" }],
    commands: [
      { where: "on the machine", what: "name the machine", text: `sudo hostnamectl set-hostname ${hostname}` },
      { where: "or only for the agent", what: "name the agent", text: `sudo env BALCTL_HOSTNAME=${hostname} balctl-agent enrol --hostname ${hostname}` },
    ],
  };
}

function ofService({ hostname, message }: Failed): Remedy {
  return {
    title: `${hostname} is signed in, and its agent did not say that it stored that.`, body: message,
    fixes: [AGAIN, NEW], commands: [{ where: `on ${hostname}`, what: "what the agent says", text: "journalctl -u balctl-heartbeat.service -n 50" }],
  };
}

function ofHeartbeat({ hostname, name, ip, port }: Failed): Remedy {
  return {
    title: `${name} is enrolled, and no heartbeat came within 60 s.`,
    body: `This console asks ${ip}:${port} for it; balctl-heartbeat.service on ${hostname} has to run. It appears by itself as soon as it is heard.`,
    fixes: [{ do: "open-member", text: `Open ${name}` }],
    commands: [
      { where: `on ${hostname}`, what: "is it running", text: "systemctl status balctl-heartbeat.service" },
      { where: `on ${hostname}`, what: "what it says", text: "journalctl -u balctl-heartbeat.service -n 50" },
    ],
  };
}
