/// <reference types="vite/client" />

/** Whether the fake host is built in: development and browser tests only. */
declare const __SCENARIO__: boolean;

/** The fleet map's land, drawn by `vite-land.mjs` when the page is built. */
declare module "virtual:land" {
  export const LAND: string;
  export const BORDERS: string;
  export const WORLD: number;
  export const PROBES: readonly (readonly [readonly [number, number], readonly [number, number]])[];
}
