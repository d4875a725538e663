// What the scenario host knows about this console itself: providers, other consoles, and how people are told.

import type { Change, ConsoleView, NoticeSettings, Outcome, Plan, ProviderView, TestReport } from "../../generated/api";
import { HostError } from "../host";
import { told } from "./incidents";
import type { Play } from "./scenario-host";
import { CONSOLE_ID, type World } from "./world";

const FINGERPRINT = "SHA256:Qm4xT7uKp0vYw3s9eR1cZ8nLfA5hJ2dB";

async function outcome<T>(change: Change, plan: Plan, act: () => T): Promise<Outcome<T>> {
  return change.dryRun ? { kind: "planned", plan } : { kind: "done", plan, result: act() };
}

const refuse = (message: string, detail: string) => new HostError({ code: "refused", message, detail, retry: { kind: "never" } });
const missing = (name: string) => new HostError({ code: "not-found", message: `No provider is called ${name}`, detail: "", retry: { kind: "never" } });
const check = (name: string, words: string, tookMs: number): TestReport["checks"][number] => ({ name, words, tookMs, outcome: "passed" });

function wellTested(zone: string, atMs: number): TestReport {
  return {
    passed: true, atMs, summary: `answers, is primary for ${zone} and accepts the key`,
    checks: [check("server", "answers on port 53", 21), check("zone", `is primary for ${zone}, serial 2026112007`, 18), check("key", "accepts a signed request that changes nothing", 34), check("claim", "a compare-and-set was accepted and refused as it must", 312)],
  };
}

export function desk(world: World): Play {
  let settings: NoticeSettings = { shown: true, mutedUntilMs: 0, quiet: { fromMinute: 0, toMinute: 0 } };
  const consoles: ConsoleView[] = [
    { id: CONSOLE_ID, name: "ops-laptop", role: "owner", fingerprint: FINGERPRINT, thisOne: true },
    { id: "00000000-0000-4000-9000-000000000002", name: "watch-01", role: "operator", fingerprint: "SHA256:7uKp0vYw3s9eR1cZ8nLfA5hJ2dBQm4xT", thisOne: false },
  ];
  const fleetExists = world.pools.length > 0;
  let providers: ProviderView[] = !fleetExists ? [] : [
    {
      name: "edge-dns", link: { kind: "rfc2136", server: "192.0.2.53:53", zone: "example.com", keyName: "sctl", algorithm: "hmac-sha256" },
      secretPlace: "the keychain of this computer", pools: [], tested: wellTested("example.com", Date.now() - 3_600_000),
    },
    {
      name: "lab-dns", link: { kind: "rfc2136", server: "192.0.2.54:53", zone: "lab.example.net", keyName: "lab", algorithm: "hmac-sha256" },
      secretPlace: "the keychain of this computer", pools: [],
      tested: {
        passed: false, atMs: Date.now() - 26 * 3_600_000, summary: "the server refuses the key: BADKEY",
        checks: [check("server", "answers on port 53", 19), { name: "key", outcome: "failed", words: "192.0.2.54 answers NOTAUTH (BADKEY): it knows no key named lab", tookMs: 22 }],
      },
    },
  ];
  const notices = told(world.pools, Date.now());
  const used = (name: string) => world.pools.filter((pool) => pool.provider === name).map((pool) => pool.name);
  const listed = () => providers.map((one) => ({ ...one, pools: used(one.name) }));
  const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

  return {
    provider_list: () => ({ providers: listed() }),
    provider_test: async ({ provider }) => {
      const found = providers.find((one) => one.name === provider);
      if (!found) throw missing(provider);
      await wait(600);
      const tested = found.name === "lab-dns" && found.tested ? { ...found.tested, atMs: Date.now() } : wellTested(found.link.zone, Date.now());
      providers = providers.map((one) => (one === found ? { ...one, tested } : one));
      return tested;
    },
    provider_add: ({ change, name, link, secret }) => {
      if (providers.some((one) => one.name === name)) throw refuse(`A provider called ${name} exists already`, "");
      if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(secret)) throw new HostError({ code: "invalid", message: "The secret is not base64", detail: "", retry: { kind: "never" } });
      const plan: Plan = { summary: `add ${name}`, steps: [{ object: name, action: "keep the secret in the keychain" }, { object: link.zone, action: "use it for this zone" }], warnings: [] };
      return outcome(change, plan, () => {
        const added: ProviderView = { name, link, secretPlace: "the keychain of this computer", pools: [] };
        providers = [...providers, added].sort((a, b) => a.name.localeCompare(b.name));
        return added;
      });
    },
    provider_remove: ({ change, provider }) => {
      if (!providers.some((one) => one.name === provider)) throw missing(provider);
      const by = used(provider);
      if (by.length > 0) throw refuse(`${provider} is used by ${by.join(", ")}`, "hand the records back or set another provider first");
      return outcome(change, { summary: `remove ${provider}`, steps: [{ object: provider, action: "forget it and its secret" }], warnings: [] }, () => {
        providers = providers.filter((one) => one.name !== provider);
        return { leftBehind: ["the key at the name server stays valid until it is removed there"] };
      });
    },
    notice_list: ({ limit }) => ({ notices: notices.slice(0, limit ?? 50) }),
    notice_settings_show: () => settings,
    notice_settings_set: ({ change, shown, muteMs, quiet }) =>
      outcome(change, { summary: "change how this console tells people", steps: [{ object: "settings", action: "kept on this computer" }], warnings: [] }, () => {
        settings = {
          shown: shown ?? settings.shown, quiet: quiet ?? settings.quiet,
          mutedUntilMs: muteMs === undefined ? settings.mutedUntilMs : muteMs === 0 ? 0 : Date.now() + muteMs,
        };
        return settings;
      }),
    console_id: () => ({ console: CONSOLE_ID, name: "ops-laptop", card: "sctl-card-1.b3BzLWxhcHRvcA.5Qm4xT7uKp0vYw3s9eR1cZ8nLfA5hJ2dBk6gM", fingerprint: FINGERPRINT }),
    console_list: () => ({ consoles: fleetExists ? consoles : [] }),
    console_add: ({ change, card, role, name }) => {
      if (!card.startsWith("sctl-card-1.")) throw new HostError({ code: "invalid", message: "This is not a console's card", detail: "a card begins with sctl-card-1.", retry: { kind: "never" } });
      const called = name ?? "new-console";
      return outcome(change, { summary: `sign ${called} in as ${role}`, steps: [{ object: called, action: `sign it into the roster as ${role}` }, { object: "every relay", action: "hand the new roster out" }], warnings: [] }, () => {
        const added: ConsoleView = { id: crypto.randomUUID(), name: called, role, fingerprint: "SHA256:vYw3s9eR1cZ8nLfA5hJ2dBQm4xT7uKp0", thisOne: false };
        consoles.push(added);
        return { console: added, file: `sctl-pool-1\nfleet Qm4xT7uKp0vYw3s9\nconsole ${called} ${role}\n` };
      });
    },
  };
}
