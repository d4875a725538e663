// Which dialog of the setting up is open; there is never more than one.

export type Panel = { kind: "add-pool" } | { kind: "add-member"; pool: string; invitation?: string } | { kind: "rehearse"; pool: string } | { kind: "pause"; pool: string } | { kind: "unlock" } | { kind: "join" };

class Setup {
  panel = $state.raw<Panel | undefined>();

  close(): void {
    this.panel = undefined;
  }
}

export const setup = new Setup();
