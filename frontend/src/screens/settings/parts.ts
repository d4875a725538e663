// The parts of the settings: tabs of the screen and lines of the palette.

export const PARTS = [
  { id: "general", title: "General", local: false, words: "name profile vault secrets host" },
  { id: "appearance", title: "Appearance", local: true, words: "theme dark light density motion contrast zoom" },
  { id: "notifications", title: "Notifications", local: false, words: "mute quiet hours notices" },
  { id: "watch", title: "Failover watch", local: false, words: "pause resume lease" },
  { id: "keyboard", title: "Keyboard", local: true, words: "shortcuts keys letters" },
  { id: "consoles", title: "Consoles", local: false, words: "card owner operator pool file" },
  { id: "about", title: "About", local: true, words: "version fleet" },
] as const;
