// Keys that only some screens have; the open screen's own are under "?".

export const SCREEN_KEYS: readonly { title: string; keys: string }[] = [
  { title: "Filter the list", keys: "/" }, { title: "Next and previous line", keys: "J K" }, { title: "Previous and next tab", keys: "[ ]" },
  { title: "Open the line, go back", keys: "Enter Escape" }, { title: "Add what this screen adds", keys: "N" }, { title: "Cut DNS to standby, opens its dialog", keys: "C" },
];
