// Who declares what: the frame for good, a screen for as long as it is open. Later declarations win a key.

import { untrack } from "svelte";

import { availability, type Action } from "./action";

class Registry {
  #sources = $state.raw<readonly (() => readonly Action[])[]>([]);

  /** Every action that makes sense now. */
  get all(): readonly Action[] {
    const byId = new Map<string, Action>();
    for (const source of this.#sources) for (const action of source()) byId.set(action.id, action);
    return [...byId.values()].filter((action) => availability(action).kind !== "hidden");
  }

  add(source: () => readonly Action[]): () => void {
    this.#sources = [...this.#sources, source];
    return () => (this.#sources = this.#sources.filter((one) => one !== source));
  }
}

export const registry = new Registry();

/** Declares the actions of a component for as long as it lives. Call it while the component is set up. */
export function declareActions(source: () => readonly Action[]): void {
  $effect.pre(() => {
    // Adding reads the list it extends; that must not make this run again.
    const remove = untrack(() => registry.add(source));
    return () => untrack(remove);
  });
}

/** Runs an action if it can run now. */
export function runAction(action: Action): void {
  if (availability(action).kind === "yes") action.run();
}
