// Which of the frame's own panels is open.

class Panels {
  palette = $state(false);
  keys = $state(false);
  notices = $state(false);
}

export const panels = new Panels();
