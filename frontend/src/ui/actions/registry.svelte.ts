// Who declares what: the frame for good, a screen for as long as it is open. Later declarations win a key.

import { untrack } from "svelte";

import { availability, type Action } from "./action";

class Registry {
  /** The truth. A state that is read while a component is torn down gives its value from before; this one does not. */
  #declared: readonly (() => readonly Action[])[] = [];
  #sources = $state.raw<readonly (() => readonly Action[])[]>([]);

  /** Every action that makes sense now. */
  get all(): readonly Action[] {
    const byId = new Map<string, Action>();
    for (const source of this.#sources) for (const action of source()) byId.set(action.id, action);
    const all = [...byId.values()].filter((action) => availability(action).kind !== "hidden");
    // A key shows where it works.
    const owner = new Map(all.flatMap((action) => (action.keys ? [[action.keys, action]] : [])));
    return all.map((action) => (action.keys && owner.get(action.keys) !== action ? withoutKeys(action) : action));
  }

  add(source: () => readonly Action[]): () => void {
    this.#set([...this.#declared, source]);
    return () => this.#set(this.#declared.filter((one) => one !== source));
  }

  #set(declared: readonly (() => readonly Action[])[]): void {
    this.#declared = declared;
    this.#sources = declared;
  }
}

function withoutKeys({ keys: _taken, ...action }: Action): Action {
  return action;
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
