// Looking around: the button of the welcome screen, and the windows of demos.
const edge = "pool/production-edge/overview";
const press = (name) => async (page) => {
  await page.getByRole("button", { name, exact: true }).click();
  await page.clock.runFor(400);
};
const bar = (page) => page.getByRole("region", { name: "Demo fleet" });

export const DEMO_CASES = [
  {
    name: "first-look", place: "overview", scenario: "fresh-desktop",
    act: async (page) => {
      await press("Look around with a demo fleet")(page);
      if ((await bar(page).count()) > 0) throw new Error("the bar of a demo stands in a window that shows none");
    },
  },
  {
    name: "demo-building", place: "overview", scenario: "demo-building",
    act: async (page) => {
      await page.getByRole("heading", { name: "Making a demo fleet" }).waitFor();
      await bar(page).getByText("Enrolling edge-ams-2, step 4 of 11").waitFor();
      if ((await page.getByRole("button", { name: "Set up this console" }).count()) > 0) throw new Error("a demo asks to be set up");
    },
  },
  {
    name: "demo-ready", place: edge, scenario: "demo",
    act: async (page) => {
      await bar(page).getByText("Demo fleet: nothing here is real.").waitFor();
      await bar(page).getByText("The record moved from edge-fra-1 to edge-ams-2 after 1.9 s").waitFor();
      // A demo has no tray to hide in: closing its window is its end, and says so.
      await page.getByRole("button", { name: "Close and end the demo" }).waitFor();
    },
  },
  {
    name: "demo-cut", place: edge, scenario: "demo",
    act: async (page) => {
      await press("Cut the power of edge-ams-2")(page);
      await bar(page).getByText("edge-ams-2 is without power").waitFor();
      const cut = page.getByRole("button", { name: "Cut the power of edge-ams-2" });
      if ((await cut.getAttribute("aria-disabled")) !== "true") throw new Error("a member without power can lose it again");
      // Every control of the story is an action of the palette, too.
      await page.keyboard.press("Control+k");
      await page.keyboard.type("bring everything");
      await page.clock.runFor(200);
      await page.getByRole("option", { name: /Bring everything back/ }).waitFor();
      await page.keyboard.press("Enter");
      await page.clock.runFor(400);
      await bar(page).getByText("Everything runs again").waitFor();
    },
  },
  { name: "demo-small", place: edge, scenario: "demo", size: { width: 960, height: 640 } },
  { name: "demo-contrast", place: edge, scenario: "demo", themes: ["contrast", "contrast-dark"] },
];
