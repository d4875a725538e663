// The one road to the engine. Everything above speaks to this interface and to nothing else.

import type { ApiError, CommandName, Commands, Event, Progress, Subscribe } from "../generated/api";
import type { DemoDoor } from "./demo";

export type Request<C extends CommandName> = Commands[C]["request"];
export type Answer<C extends CommandName> = Commands[C]["answer"];

/** Commands that change something: their request carries a `change`. */
export type ChangeName = {
  [C in CommandName]: Commands[C]["request"] extends { change: unknown } ? C : never;
}[CommandName];

/** A change's request without its `change`; {@link Host.call} gets the whole, the dialogs add it. */
export type Draft<C extends ChangeName> = Omit<Request<C>, "change">;

/** What a change gives back when it was done. */
export type Done<C extends ChangeName> = Extract<Answer<C>, { kind: "done" }>["result"];

export interface Subscription {
  close(): void;
}

/** A notice in the words that the desktop shows, as the shell tells it. */
export interface Alert {
  /** A pool's id, `host` or `this-computer`. */
  about: string;
  title: string;
  body: string;
  level: "quiet" | "normal" | "high" | "urgent";
  isRecovery: boolean;
  /** Where it leads, as `onOpen` names places. */
  place: string;
  atMs: number;
}

/** What the desktop keeps for itself, since it needs it before there is a page. */
export interface Preferences {
  /** The colours of the first paint. */
  theme: "system" | "light" | "dark";
  /** Whether it starts with the session, in the tray. */
  autostart: boolean;
  /** That this desktop has no tray was said once. */
  toldNoTray: boolean;
}

/** What the desktop knows that the engine does not. */
export interface ShellState {
  /** Whether closing the window leaves a tray. */
  tray: boolean;
  preferences: Preferences;
}

/** The window around the page; absent where the page runs in a browser. */
export interface Shell {
  minimise(): void;
  toggleMaximise(): void;
  /** Hides to the tray; the watch goes on. */
  close(): void;
  /** Tray, notices and deep links ask for a place by this, as `pool/<name>/<tab>`. */
  onOpen(go: (place: string) => void): Promise<Subscription>;
  /** The first real picture stands on the screen. */
  painted(): void;
  /** What the desktop tells people, the moment it does. */
  onAlert(hear: (alert: Alert) => void): Promise<Subscription>;
  /** Quitting would end the watch here: ask, and {@link quit} if a person says so. */
  onQuitAsked(ask: (question: string) => void): Promise<Subscription>;
  quit(): void;
  /** Looking around with pretended hosts; absent where no demo can be begun. */
  readonly demo?: DemoDoor;
  state(): Promise<ShellState>;
  /** Hears the state whenever it changes, whoever changed it. */
  onState(hear: (state: ShellState) => void): Promise<Subscription>;
  /** Keeps them; rejects with a {@link HostError} where the desktop refuses. */
  prefer(preferences: Preferences): Promise<void>;
}

export interface Host {
  /** Rejects with a {@link HostError}, always. */
  call<C extends CommandName>(command: C, request: Request<C>, onProgress?: (line: Progress) => void): Promise<Answer<C>>;
  subscribe(request: Subscribe, onEvent: (event: Event) => void): Promise<Subscription>;
  readonly shell?: Shell;
}

/** A refusal or failure as the host told it; `error.code` is the only thing to branch on. */
export class HostError extends Error {
  readonly error: ApiError;

  constructor(error: ApiError) {
    super(error.message);
    this.name = "HostError";
    this.error = error;
  }

  /** Makes one out of whatever a transport threw. */
  static of(thrown: unknown): HostError {
    if (thrown instanceof HostError) return thrown;
    if (isApiError(thrown)) return new HostError(thrown);
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return new HostError({ code: "no-host", message: "The call did not reach the engine", detail, retry: { kind: "now" } });
  }
}

function isApiError(value: unknown): value is ApiError {
  return typeof value === "object" && value !== null && "code" in value && "message" in value && "retry" in value;
}
