// A host that plays a recorded scenario in the page: for `cargo xtask dev`, for looking around, and for the browser tests.
// It speaks the api's own types, so that what runs on it runs on the engine.

import type { CommandName, Event, Progress, Subscribe } from "../../generated/api";
import { HostError, type Answer, type Host, type Request, type Shell, type Subscription } from "../host";
import { crowd, fleet } from "./cast";
import { changes } from "./changes";
import { FakeDemo } from "./demo";
import { desk } from "./desk";
import { members } from "./members";
import { reads } from "./reads";
import { begin, setup } from "./setup";
import { FakeShell } from "./shell";
import { playFailover } from "./stories";
import { World } from "./world";

export const SCENARIOS = ["full", "empty", "fresh", "stale", "blind", "partial", "error", "loading", "failover", "crowd", "setup", "locked", "drift", "third", "foreign", "desktop", "bare-desktop", "fresh-desktop", "demo", "demo-building"] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** Answers one command; what a scenario does not play it refuses. */
export type Play = {
  [C in CommandName]?: (request: Request<C>, onProgress?: (line: Progress) => void) => Answer<C> | Promise<Answer<C>>;
};

/** When a scenario's story begins. */
const STORY_MS = 4_000;
/** When the host of `stale` stops answering. */
const STALE_MS = 65_000;
const CROWD = 500;
const BEAT_MS = 1_000;

class ScenarioHost implements Host {
  readonly shell?: Shell;
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #play: Play;
  readonly #beganMonoMs = performance.now();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const isFresh = scenario === "fresh" || scenario === "fresh-desktop" || scenario === "demo-building";
    const pools = scenario === "empty" || isFresh ? [] : scenario === "crowd" ? crowd(CROWD) : fleet();
    this.#world = new World(pools);
    if (scenario === "empty" || isFresh) Object.assign(this.#world, { incidents: [], audit: [] });
    if (isFresh) this.#world.profile = "missing";
    this.#play = { ...reads(this.#world), ...changes(this.#world), ...setup(this.#world), ...desk(this.#world) };
    Object.assign(this.#play, members(this.#world, { ...this.#play }));
    begin(this.#world, scenario);
    const edge = this.#world.pool("production-edge");
    if (scenario === "failover" && edge) playFailover(this.#world, edge, STORY_MS);
    if (scenario === "blind") setTimeout(() => this.#goBlind(), STALE_MS);
    const demo = scenario === "fresh-desktop" ? "none" : scenario === "demo" ? "ready" : scenario === "demo-building" ? "building" : undefined;
    if (demo) this.shell = Object.assign(new FakeShell({ tray: demo === "none" }), { demo: new FakeDemo(demo) });
    if (scenario === "desktop") this.shell = new FakeShell({ tray: true });
    if (scenario === "bare-desktop") this.shell = new FakeShell({ tray: false, refuses: refusal("internal", "The autostart file could not be written", "HOME is not set") });
  }

  async call<C extends CommandName>(command: C, request: Request<C>, onProgress?: (line: Progress) => void): Promise<Answer<C>> {
    if (this.#scenario === "loading") return new Promise(() => {});
    if (this.#gone() || this.#scenario === "error") throw refusal("no-host", "The call did not reach the engine", "connect: no such file or directory (os error 2)");
    if (this.#scenario === "partial" && (command === "incident_list" || command === "audit_list")) {
      throw refusal("internal", "The history could not be read", "the database is being repaired");
    }
    if (this.#world.vault.state !== "open" && !command.startsWith("host_") && command !== "vault_unlock") throw refusal("vault-locked", "The vault is locked: unlock it, then try again", "");
    const play = this.#play[command] as ((request: Request<C>, onProgress?: (line: Progress) => void) => Answer<C> | Promise<Answer<C>>) | undefined;
    if (!play) throw refusal("not-found", `This scenario does not play ${command}`, "");
    return structuredClone(await play(request, onProgress));
  }

  async subscribe(request: Subscribe, onEvent: (event: Event) => void): Promise<Subscription> {
    const quiet = this.#world.listen((event) => onEvent(structuredClone(event)));
    const beats = setInterval(() => {
      if (!request.topics.includes("beats") || this.#gone()) return;
      onEvent({ revision: this.#world.revision, body: { kind: "beats", value: { beats: this.#world.beats() } } });
    }, BEAT_MS);
    return {
      close: () => {
        clearInterval(beats);
        quiet();
      },
    };
  }

  #gone(): boolean {
    return this.#scenario === "stale" && performance.now() - this.#beganMonoMs > STALE_MS;
  }

  /** This computer loses its network: nothing is claimed any more. */
  #goBlind(): void {
    for (const pool of this.#world.pools) {
      pool.state = "BLIND";
      pool.blind = "own-sight";
      pool.stateSinceMonoMs = performance.now();
      pool.reason = "cannot see: no member and no reference address answers; nothing moves";
      for (const member of pool.members) {
        member.silentSinceMonoMs = performance.now();
        member.health = { kind: "unknown", reason: "this computer is offline" };
      }
      this.#world.changed(pool);
    }
  }
}

function refusal(code: "no-host" | "internal" | "not-found" | "vault-locked", message: string, detail: string): HostError {
  return new HostError({ code, message, detail, retry: code === "not-found" ? { kind: "never" } : { kind: "now" } });
}

export function openScenario(name: string): Host {
  return new ScenarioHost(SCENARIOS.find((one) => one === name) ?? "full");
}
