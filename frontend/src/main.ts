import "./ui/fonts.css";
import "./ui/tokens.css";
import "./ui/base.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { router } from "./frame/router.svelte";
import { openHost } from "./host/open";
import { Live } from "./live/live.svelte";
import { looks } from "./ui/looks.svelte";

looks.start();
router.start();
const root = document.getElementById("app");
if (root) {
  openHost().then(
    (host) => {
      const live = new Live(host);
      mount(App, { target: root, props: { live } });
      // Two frames later what the engine said stands on the screen.
      void live.start().then(() => requestAnimationFrame(() => requestAnimationFrame(() => host.shell?.painted())));
    },
    (error: unknown) => (root.textContent = error instanceof Error ? error.message : String(error)),
  );
}
