// Of which pools the setup steps were put away, on this computer.

const KEY = "setup-hidden";

function read(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

class Dismissed {
  #pools = $state.raw(read());

  has(pool: string): boolean {
    return this.#pools.includes(pool);
  }

  set(pool: string, hidden: boolean): void {
    this.#pools = [...this.#pools.filter((one) => one !== pool), ...(hidden ? [pool] : [])];
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#pools));
    } catch {
      // Without storage it is put away for as long as the page lives.
    }
  }
}

export const dismissed = new Dismissed();
