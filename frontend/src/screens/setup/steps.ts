// The way from an empty pool to one that fails over by itself, read from what stands there now. Pure.

export type StepId = "dns" | "member" | "hostname" | "active" | "standby" | "rehearse" | "arm";

export interface Step {
  id: StepId;
  title: string;
  /** What it is for, in one sentence. */
  line: string;
  done: boolean;
  /** Why it cannot be done yet. */
  waits?: string;
}

export interface Asked {
  generic: boolean;
  providers: number;
  members: number;
  /** Those that can carry traffic. */
  carriers: number;
  /** Names of members that were invited and not heard yet. */
  invited: readonly string[];
  hostname: string | undefined;
  active: string | undefined;
  standbys: number;
  rehearsedGreen: boolean;
  /** Why automatic failover cannot be turned on; none when it can. */
  armBar: string | undefined;
  armed: boolean;
}

export function setupSteps(asked: Asked): Step[] {
  const awaited = asked.invited.length > 0 ? `${asked.invited.join(", ")} ${asked.invited.length === 1 ? "is" : "are"} awaited; ` : "";
  const server = asked.generic ? "server" : "member";
  const member: Step = {
    id: "member", title: `Enrol a ${server}`, done: asked.members > 0,
    line: `${awaited}one command on the machine, and a first heartbeat within a minute.`,
  };
  // Without a wish for a name a pool of servers is complete with its first one.
  if (asked.generic && !asked.hostname) return [member];
  return [
    { id: "dns", title: "Connect DNS", done: asked.providers > 0 || asked.hostname !== undefined, line: "The key with which this console moves the record. It stays in the vault of this computer." },
    member,
    { id: "hostname", title: "Set the failover hostname", done: asked.hostname !== undefined, line: "The name that clients use. The record is not touched before you make a member active.", ...(asked.providers === 0 ? { waits: "connect DNS first" } : {}) },
    {
      id: "active", title: "Make active", done: asked.active !== undefined, line: "The record is taken over as it stands, or pointed at the member that you choose.",
      ...(!asked.hostname ? { waits: "set the failover hostname first" } : asked.carriers === 0 ? { waits: "enrol a member first" } : {}),
    },
    { id: "standby", title: "Add a standby", done: asked.standbys > 0, line: `${awaited}somebody has to be there who can take over.`, ...(asked.members === 0 ? { waits: "enrol a first member" } : {}) },
    {
      id: "rehearse", title: "Rehearse", done: asked.rehearsedGreen || asked.armed, line: "Every check that a failover needs, tried now. Nothing moves.",
      ...(!asked.active ? { waits: "make a member active first" } : {}),
    },
    {
      id: "arm", title: "Turn on automatic failover", done: asked.armed, line: "From then on DNS moves by itself when the active member is lost.",
      ...(asked.armBar ? { waits: asked.armBar } : {}),
    },
  ];
}

/** What to do now: the first that is open and waits for nothing, else the first that is open. */
export function current(steps: readonly Step[]): Step | undefined {
  const open = steps.filter((one) => !one.done);
  return open.find((one) => !one.waits) ?? open[0];
}
