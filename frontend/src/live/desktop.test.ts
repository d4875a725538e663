import { beforeEach, expect, test } from "vitest";

import { HostError, type Shell, type ShellState } from "../host/host";
import { FakeShell } from "../host/scenario/shell";
import { desktop } from "./desktop.svelte";

const REFUSED = new HostError({ code: "internal", message: "writing the autostart file", detail: "", retry: { kind: "now" } });

beforeEach(() => {
  desktop.state = undefined;
  desktop.error = undefined;
});

test("a switch changes one thing and keeps the others", async () => {
  const shell = new FakeShell({ tray: true });
  await desktop.follow(shell);
  expect(await desktop.prefer(shell, { autostart: true })).toBe(true);
  expect(await desktop.prefer(shell, { theme: "dark" })).toBe(true);
  expect((await shell.state()).preferences).toEqual({ theme: "dark", autostart: true, toldNoTray: false });
});

test("two changes in one breath lose neither", async () => {
  const shell = new FakeShell({ tray: true });
  await desktop.follow(shell);
  await Promise.all([desktop.prefer(shell, { autostart: true }), desktop.prefer(shell, { theme: "dark" })]);
  expect((await shell.state()).preferences).toMatchObject({ theme: "dark", autostart: true });
});

test("what the desktop refuses stands as it was, and is said", async () => {
  const shell = new FakeShell({ tray: true, refuses: REFUSED });
  await desktop.follow(shell);
  expect(await desktop.prefer(shell, { autostart: true })).toBe(false);
  expect([desktop.state?.preferences.autostart, desktop.error]).toEqual([false, REFUSED]);
});

test("what the desktop changed by itself is not written back as it was", async () => {
  const shell = new FakeShell({ tray: true });
  (await desktop.follow(shell)).close();
  await shell.prefer({ theme: "system", autostart: false, toldNoTray: true });
  await desktop.prefer(shell, { autostart: true });
  expect((await shell.state()).preferences.toldNoTray).toBe(true);
});

test("a change that came from elsewhere is heard until it is closed", async () => {
  const shell: Shell & FakeShell = new FakeShell({ tray: true });
  const following = await desktop.follow(shell);
  await shell.prefer({ theme: "light", autostart: true, toldNoTray: true });
  expect(desktop.state).toEqual<ShellState>({ tray: true, preferences: { theme: "light", autostart: true, toldNoTray: true } });
  following.close();
  await shell.prefer({ theme: "light", autostart: false, toldNoTray: true });
  expect(desktop.state?.preferences.autostart).toBe(true);
});
