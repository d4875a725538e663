import "./ui/fonts.css";
import "./ui/tokens.css";
import "./ui/base.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { router } from "./frame/router.svelte";
import { openHost } from "./host/open";
import { Live } from "./live/live.svelte";
import { fontsReady } from "./ui/fonts";
import { looks } from "./ui/looks.svelte";

looks.start();
router.start();
const root = document.getElementById("app");
if (root && __SCENARIO__ && new URLSearchParams(location.search).get("scenario") === "gallery") {
  void import("./ui/Gallery.svelte").then(({ default: Gallery }) => mount(Gallery, { target: root }));
} else if (root) {
  Promise.all([openHost(), fontsReady()]).then(
    ([host]) => {
      const live = new Live(host);
      mount(App, { target: root, props: { live } });
      void live.start();
      // Two frames later what the engine said stands on the screen.
      void live.pictured.then(() => requestAnimationFrame(() => requestAnimationFrame(() => host.shell?.painted())));
      if (__SCENARIO__) void import("./looking").then(({ letLook }) => letLook(live));
    },
    (error: unknown) => (root.textContent = error instanceof Error ? error.message : String(error)),
  );
}
