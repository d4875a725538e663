// Where we are, as the address says it: `#/pool/production-edge/overview`. Deep links `serversctl://…` name the same places.

/** Splits a place into its parts; what is empty or odd leads to the overview. */
export function partsOf(place: string): string[] {
  const path = place.replace(/^serversctl:\/\//, "").replace(/^#?\//, "").split("?")[0] ?? "";
  const parts = path.split("/").filter((part) => part !== "").map(decode);
  return parts.length > 0 && parts.length <= 6 && parts.every((part) => part.length <= 200) ? parts : ["overview"];
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

  start(): void {
    const read = () => (this.parts = partsOf(location.hash));
    addEventListener("hashchange", read);
    read();
  }

  /** Goes to `pool/name/tab`. */
  go(place: string): void {
    location.hash = `/${partsOf(place).map(encodeURIComponent).join("/")}`;
  }

  back(): void {
    history.back();
  }
}

export const router = new Router();
