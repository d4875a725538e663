// What the desktop around the page keeps: whether it starts at login, whether it has a tray, the colours of its first paint.

import { HostError, type Preferences, type Shell, type ShellState, type Subscription } from "../host/host";

class Desktop {
  /** None until it was read, and in a browser. */
  state = $state.raw<ShellState | undefined>();
  /** What was refused last; the switch stands as it was. */
  error = $state.raw<HostError | undefined>();
  #last: Promise<unknown> = Promise.resolve();

  /** Reads it and hears of every change, until closed. */
  async follow(shell: Shell): Promise<Subscription> {
    const following = await shell.onState((state) => (this.state = state));
    await this.#read(shell);
    return following;
  }

  /** Changes it at once; what is refused stays as it was and is said. */
  prefer(shell: Shell, change: Partial<Preferences>): Promise<boolean> {
    // One after the other: each is written whole, so it must build on what the one before left.
    const done = this.#last.then(() => this.#write(shell, change));
    this.#last = done;
    return done;
  }

  async #write(shell: Shell, change: Partial<Preferences>): Promise<boolean> {
    try {
      // The desktop changes them, too, and does not always tell.
      const { preferences } = await shell.state();
      await shell.prefer({ ...preferences, ...change });
      await this.#read(shell);
      return this.error === undefined;
    } catch (thrown) {
      this.error = HostError.of(thrown);
      return false;
    }
  }

  async #read(shell: Shell): Promise<void> {
    try {
      this.state = await shell.state();
      this.error = undefined;
    } catch (thrown) {
      this.error = HostError.of(thrown);
    }
  }
}

export const desktop = new Desktop();
