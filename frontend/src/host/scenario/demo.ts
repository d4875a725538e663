// The desktop's door to a demo: one from which a demo can be begun, and the windows of demos.

import type { DemoDoor, DemoPicture, DemoState } from "../demo";
import type { Subscription } from "../host";

const ACTIVE = "edge-ams-2";
const READY: DemoPicture = {
  stage: "ready", words: "The record moved from edge-fra-1 to edge-ams-2 after 1.9 s", done: 11, steps: 11,
  acts: [
    { id: "stop-service", title: `Stop HAProxy on ${ACTIVE}` },
    { id: "cut-power", title: `Cut the power of ${ACTIVE}` },
    { id: "restore", title: "Bring everything back", whyNot: "everything runs" },
  ],
};
const CUT: DemoPicture = {
  ...READY, words: `${ACTIVE} is without power. The record follows once it was silent for long enough`,
  acts: [
    { id: "stop-service", title: `Stop HAProxy on ${ACTIVE}`, whyNot: `${ACTIVE} has no power already` },
    { id: "cut-power", title: `Cut the power of ${ACTIVE}`, whyNot: `${ACTIVE} has no power already` },
    { id: "restore", title: "Bring everything back" },
  ],
};
const BUILDING: DemoPicture = { stage: "building", words: "Enrolling edge-ams-2", done: 4, steps: 11, acts: [] };

export class FakeDemo implements DemoDoor {
  #state: DemoState;
  readonly #following = new Set<(state: DemoState) => void>();

  constructor(shows: "none" | "building" | "ready") {
    this.#state = shows === "none" ? {} : { demo: shows === "building" ? BUILDING : READY };
  }

  begin = (): Promise<void> => Promise.resolve();
  state = (): Promise<DemoState> => Promise.resolve(this.#state);

  onState(hear: (state: DemoState) => void): Promise<Subscription> {
    this.#following.add(hear);
    return Promise.resolve({ close: () => this.#following.delete(hear) });
  }

  act(id: string): Promise<void> {
    this.#state = { demo: id === "restore" ? { ...READY, words: "Everything runs again. Nothing moves back by itself" } : CUT };
    for (const hear of this.#following) hear(this.#state);
    return Promise.resolve();
  }
}
