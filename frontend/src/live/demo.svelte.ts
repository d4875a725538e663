// Whether this window shows a demo fleet, and how that stands.

import type { DemoDoor, DemoPicture, DemoState } from "../host/demo";

class Demo {
  /** None until it was read, and in a browser. */
  #state = $state.raw<DemoState | undefined>();

  get isOne(): boolean {
    return this.picture !== undefined;
  }

  /** None in a window that shows no demo. */
  get picture(): DemoPicture | undefined {
    return this.#state?.demo;
  }

  /** Reads it and hears of every change; gives what ends that. */
  follow(door: DemoDoor): () => void {
    const keep = (state: DemoState) => (this.#state = state);
    const following = door.onState(keep);
    // A window without an answer shows no demo.
    void following.then(() => door.state()).then(keep, () => undefined);
    return () => void following.then((one) => one.close());
  }
}

export const demo = new Demo();
