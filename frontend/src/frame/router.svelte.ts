// Where we are, as the address says it: `#/pool/production-edge/overview`. Deep links `serversctl://…` name the same places.

const PART_MAX = 200;

/** Splits a place into its parts; what is empty or odd leads to the overview. */
export function partsOf(place: string): string[] {
  const path = place.replace(/^serversctl:\/\//, "").replace(/^#?\//, "").split("?")[0] ?? "";
  const parts = path.split("/").filter((part) => part !== "").map(decode);
  return parts.length > 0 && parts.length <= 6 && parts.every((part) => part.length <= PART_MAX) ? parts : ["overview"];
}

/** The member whose move a place asks about: `pool/x/overview?cut=<member>`. It opens a dialog that asks, and nothing else. */
export function cutOf(place: string): string | undefined {
  const cut = new URLSearchParams(place.split("?")[1] ?? "").get("cut") ?? "";
  return cut !== "" && cut.length <= PART_MAX ? cut : undefined;
}

/** A place's address, for links. */
export function href(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** The values of a pattern such as `pool/:pool/:tab`; none when the parts do not fit. */
export function fit(pattern: string, parts: readonly string[]): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  if (wanted.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, want] of wanted.entries()) {
    const part = parts[i] ?? "";
    if (want.startsWith(":")) params[want.slice(1)] = part;
    else if (want !== part) return undefined;
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

class Router {
  parts = $state.raw<readonly string[]>(["overview"]);
  place: string = $derived(this.parts.join("/"));
  /** The member whose move was asked about with this place; the pool's screen takes it. */
  cut = $state<string | undefined>();

  start(): void {
    const read = () => {
      this.parts = partsOf(location.hash);
      this.cut = cutOf(location.hash);
      // Asked once: going back or reading the page again opens no dialog.
      if (location.hash.includes("?")) history.replaceState(history.state, "", href(...this.parts));
    };
    addEventListener("hashchange", read);
    read();
  }

  /** Goes to `pool/name/tab`. */
  go(place: string): void {
    const cut = cutOf(place);
    location.hash = href(...partsOf(place)) + (cut === undefined ? "" : `?cut=${encodeURIComponent(cut)}`);
  }

  back(): void {
    history.back();
  }
}

export const router = new Router();
