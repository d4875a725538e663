// Which keys are shown in place: after G was pressed, or while Alt is held, for 600 ms.

class Hints {
  shown = $state<"" | "G" | "Alt">("");
}

export const hints = new Hints();
