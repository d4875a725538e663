// A window around a scenario's page: what it keeps is kept in memory, and its buttons do nothing.

import type { HostError, Preferences, Shell, ShellState, Subscription } from "../host";

const NOTHING: Subscription = { close: () => undefined };

export class FakeShell implements Shell {
  #state: ShellState;
  readonly #refuses: HostError | undefined;
  readonly #listeners = new Set<(state: ShellState) => void>();

  constructor({ tray, refuses }: { tray: boolean; refuses?: HostError }) {
    this.#state = { tray, preferences: { theme: "system", autostart: false, toldNoTray: !tray } };
    this.#refuses = refuses;
  }

  minimise(): void {}
  toggleMaximise(): void {}
  close(): void {}
  quit(): void {}
  painted(): void {}
  onOpen = (): Promise<Subscription> => Promise.resolve(NOTHING);
  onAlert = (): Promise<Subscription> => Promise.resolve(NOTHING);
  onQuitAsked = (): Promise<Subscription> => Promise.resolve(NOTHING);

  state(): Promise<ShellState> {
    return Promise.resolve(structuredClone(this.#state));
  }

  onState(hear: (state: ShellState) => void): Promise<Subscription> {
    this.#listeners.add(hear);
    return Promise.resolve({ close: () => this.#listeners.delete(hear) });
  }

  prefer(preferences: Preferences): Promise<void> {
    // The colours are kept in any case: only the file of the session can be refused.
    if (this.#refuses && preferences.autostart !== this.#state.preferences.autostart) return Promise.reject(this.#refuses);
    this.#state = { ...this.#state, preferences: structuredClone(preferences) };
    for (const listener of this.#listeners) listener(structuredClone(this.#state));
    return Promise.resolve();
  }
}
