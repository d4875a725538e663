// Theme, density and motion: kept on this computer, applied to the root element, switched without a reload.

export type Theme = "system" | "light" | "dark" | "contrast" | "contrast-dark";
export type Density = "comfortable" | "standard" | "compact";
export type Motion = "system" | "reduced";

const KEY = "looks";
const ZOOMS: readonly number[] = [80, 90, 100, 110, 125, 150, 175, 200];

class Looks {
  theme = $state<Theme>("system");
  density = $state<Density>("standard");
  motion = $state<Motion>("system");
  /** Whether single letters are shortcuts. */
  letters = $state(true);
  /** In percent. */
  zoom = $state(100);

  /** What the theme is painted on; strong contrast is light or dark, too. */
  get ground(): "system" | "light" | "dark" {
    return this.theme === "contrast" ? "light" : this.theme === "contrast-dark" ? "dark" : this.theme;
  }

  /** Reads what was kept and follows the system from now on. */
  start(): void {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Record<"theme" | "density" | "motion", string>> & { letters?: boolean; zoom?: unknown };
      this.theme = pick(kept.theme, ["system", "light", "dark", "contrast", "contrast-dark"], "system");
      this.density = pick(kept.density, ["comfortable", "standard", "compact"], "standard");
      this.motion = pick(kept.motion, ["system", "reduced"], "system");
      this.letters = kept.letters !== false;
      this.zoom = ZOOMS.find((one) => one === kept.zoom) ?? 100;
    } catch {
      // What cannot be read counts as never chosen.
    }
    for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
      matchMedia(query).addEventListener("change", () => this.apply());
    }
    this.apply();
  }

  set(change: Partial<Pick<Looks, "theme" | "density" | "motion" | "letters" | "zoom">>): void {
    Object.assign(this, change);
    localStorage.setItem(KEY, JSON.stringify({ theme: this.theme, density: this.density, motion: this.motion, letters: this.letters, zoom: this.zoom }));
    this.apply();
  }

  /** One step larger or smaller. */
  zoomBy(steps: 1 | -1): void {
    const at = ZOOMS.indexOf(this.zoom) + steps;
    this.set({ zoom: ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, at))] ?? 100 });
  }

  apply(): void {
    const root = document.documentElement;
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const more = matchMedia("(prefers-contrast: more)").matches;
    const system = more ? (dark ? "contrast-dark" : "contrast") : dark ? "dark" : "light";
    root.dataset["theme"] = this.theme === "system" ? system : this.theme;
    root.dataset["density"] = this.density;
    root.dataset["motion"] = this.motion;
    // Of the body, which is positioned: so what floats over the page is measured and laid in the same scale.
    document.body.style.setProperty("zoom", this.zoom === 100 ? "" : String(this.zoom / 100));
  }
}

function pick<T extends string>(value: string | undefined, from: readonly T[], otherwise: T): T {
  return from.find((one) => one === value) ?? otherwise;
}

export const looks = new Looks();
