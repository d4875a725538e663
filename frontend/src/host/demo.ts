// A demo fleet as the desktop tells of it: real engine, pretended hosts. Its own window shows it, with the controls of its story.

import type { Subscription } from "./host";

/** Something that can be done to the pretended hosts. */
export interface DemoAct {
  id: string;
  title: string;
  /** Why it cannot be done now. */
  whyNot?: string;
}

export interface DemoPicture {
  stage: "building" | "ready" | "failed";
  /** What happens, in a sentence. */
  words: string;
  /** Steps of the set-up that are done, and all of them. */
  done: number;
  steps: number;
  /** Why the record would not follow a loss of power now, as the engine says it. */
  held?: string;
  acts: DemoAct[];
}

/** What the desktop knows of a demo. */
export interface DemoState {
  /** How it stands, in a window that shows one. */
  demo?: DemoPicture;
}

/** What rejects does so with a `HostError`. */
export interface DemoDoor {
  state(): Promise<DemoState>;
  /** Hears the state whenever it changes. */
  onState(hear: (state: DemoState) => void): Promise<Subscription>;
  /** Opens a demo in a window of its own. */
  begin(): Promise<void>;
  /** Does one of the picture's acts. */
  act(id: string): Promise<void>;
}
