// The three answers in words: the question, the answer, what it rests on. Pure.

import { sentence, span } from "../../lib/format";
import type { GlyphName } from "../../live/posture";

export interface Said {
  question: string;
  answer: string;
  evidence: string;
  glyph: GlyphName;
}

interface Verdict {
  verdict: "yes" | "no" | "unknown";
  reason: string;
}

export interface Asked {
  seeing: boolean;
  hostname: string | undefined;
  traffic: Verdict;
  standbys: Verdict;
  wouldMove: Verdict;
  activeName: string | undefined;
  activeAddress: string | undefined;
  registerA: readonly string[] | undefined;
  registerAgeMs: number | undefined;
  registerFault: string | undefined;
  readyCount: number;
  standbyCount: number;
  delayS: number;
  armed: boolean;
}

export function answers(asked: Asked): [Said, Said, Said] {
  return [ofTraffic(asked), ofStandbys(asked), ofMove(asked)];
}

function ofTraffic(asked: Asked): Said {
  const question = "Is traffic on the active node?";
  const evidence = register(asked) ?? sentence(asked.traffic.reason);
  if (!asked.seeing) return { question, answer: "Not known now", evidence, glyph: "unknown" };
  if (asked.traffic.verdict === "unknown") return { question, answer: "Not known", evidence: sentence(asked.traffic.reason), glyph: "unknown" };
  const elsewhere = asked.activeAddress !== undefined && asked.registerA !== undefined && !asked.registerA.includes(asked.activeAddress);
  if (elsewhere) return { question, answer: `No, the record does not point at ${asked.activeName}`, evidence, glyph: "down" };
  if (asked.traffic.verdict === "no") return { question, answer: `No, ${asked.traffic.reason}`, evidence, glyph: "down" };
  const well = asked.traffic.reason.endsWith(" is up");
  return { question, answer: `Yes, on ${asked.activeName ?? "the active member"}`, evidence: well ? evidence : sentence(asked.traffic.reason), glyph: well ? "active" : "degraded" };
}

function ofStandbys({ seeing, standbys, readyCount, standbyCount }: Asked): Said {
  const question = "Are standbys ready?";
  const evidence = sentence(standbys.reason);
  if (!seeing || standbys.verdict === "unknown") return { question, answer: seeing ? "Not known" : "Not known now", evidence, glyph: "unknown" };
  if (standbys.verdict === "yes") return { question, answer: `Yes, ${readyCount} of ${standbyCount}`, evidence, glyph: "ready" };
  return { question, answer: standbyCount === 0 ? "No, there is none" : `No, none of ${standbyCount}`, evidence, glyph: "degraded" };
}

function ofMove({ seeing, wouldMove, delayS, armed }: Asked): Said {
  const question = "Will DNS move if something fails?";
  if (!seeing || wouldMove.verdict === "unknown") return { question, answer: seeing ? "Not known" : "Not from here, not now", evidence: sentence(wouldMove.reason), glyph: "unknown" };
  if (wouldMove.verdict === "no") return { question, answer: "No", evidence: sentence(wouldMove.reason), glyph: "degraded" };
  return { question, answer: `Yes, after ${delayS} s of silence`, evidence: `${armed ? "Automatic failover is on" : "By hand"}, ${wouldMove.reason}`, glyph: "ready" };
}

function register({ hostname, registerA, registerAgeMs, registerFault }: Asked): string | undefined {
  if (!hostname || !registerA || registerAgeMs === undefined) return undefined;
  const says = registerA.length === 0 ? "DNS has no address" : `DNS answers ${registerA.join(", ")}`;
  return `${says}, read ${span(registerAgeMs)} ago${registerFault ? `; since then: ${registerFault}` : ""}`;
}
