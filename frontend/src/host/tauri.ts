// The real host: two commands of the shell, `rpc` and `subscribe`. The only file that touches Tauri.

import { Channel, invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { getCurrentWindow } from "@tauri-apps/api/window";

import type { CommandName, Event, Progress, Subscribe } from "../generated/api";
import type { DemoState } from "./demo";
import { HostError, type Alert, type Answer, type Host, type Request, type Shell, type ShellState, type Subscription } from "./host";

async function shellCall(command: string, payload: Record<string, unknown> = {}): Promise<void> {
  try {
    await invoke<void>(command, payload);
  } catch (thrown) {
    throw HostError.of(thrown);
  }
}

export class TauriHost implements Host {
  readonly shell: Shell = {
    minimise: () => void getCurrentWindow().minimize(),
    toggleMaximise: () => void getCurrentWindow().toggleMaximize(),
    close: () => void getCurrentWindow().close(),
    onOpen: async (go) => {
      const close = await listen<string>("open", (event) => go(event.payload));
      // What a link or a notice wanted before this moment is told now.
      await invoke("shell_ready");
      return { close };
    },
    painted: () => void invoke("shell_painted"),
    onAlert: async (hear) => ({ close: await listen<Alert>("alert", (event) => hear(event.payload)) }),
    onQuitAsked: async (ask) => ({ close: await listen<string>("quit-asked", (event) => ask(event.payload)) }),
    quit: () => void invoke("shell_quit"),
    demo: {
      state: () => invoke<DemoState>("shell_state"),
      onState: async (hear) => ({ close: await listen<DemoState>("shell", (event) => hear(event.payload)) }),
      begin: () => shellCall("shell_demo_begin"),
      act: (act) => shellCall("shell_demo_act", { act }),
    },
    state: () => asked(invoke<ShellState>("shell_state")),
    onState: async (hear) => ({ close: await listen<ShellState>("shell", (event) => hear(event.payload)) }),
    prefer: (preferences) => asked(invoke<void>("shell_prefer", { preferences })),
  };

  async call<C extends CommandName>(
    command: C,
    request: Request<C>,
    onProgress?: (line: Progress) => void,
  ): Promise<Answer<C>> {
    const progress = new Channel<Progress>();
    progress.onmessage = (line) => onProgress?.(line);
    try {
      return await invoke<Answer<C>>("rpc", { command, payload: request, progress });
    } catch (thrown) {
      throw HostError.of(thrown);
    }
  }

  async subscribe(request: Subscribe, onEvent: (event: Event) => void): Promise<Subscription> {
    const events = new Channel<Event>();
    let open = true;
    events.onmessage = (event) => {
      if (open) onEvent(event);
    };
    try {
      const id = await invoke<number>("subscribe", { request, events });
      return {
        close: () => {
          open = false;
          void invoke("unsubscribe", { id });
        },
      };
    } catch (thrown) {
      throw HostError.of(thrown);
    }
  }
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw HostError.of(thrown);
  }
}
