// From degrees to the units of the drawn land (`vite-land.mjs`), and which part of the world to show. Pure.

import type { Place } from "../../live/told";

export interface Point {
  x: number;
  y: number;
}

export interface Crop extends Point {
  w: number;
  h: number;
}

/** Width of the whole world in units of the drawing; a test holds it beside the drawing's own. */
export const WORLD_WIDTH = 7_200;
/** The drawing ends here; what stands beyond is put at its edge. */
const NORTH = 77;
const SOUTH = -56;
/** A crop is never narrower: a lone city would be a grey rectangle. */
const NARROWEST = 420;
/** Room around the outermost places, as a share of the crop. */
const MARGIN = 0.18;

/** Mercator. */
export function pointOf({ latitude, longitude }: Pick<Place, "latitude" | "longitude">): Point {
  const held = (Math.max(SOUTH, Math.min(NORTH, latitude)) * Math.PI) / 180;
  const radius = WORLD_WIDTH / (2 * Math.PI);
  return { x: WORLD_WIDTH / 2 + (radius * longitude * Math.PI) / 180, y: -radius * Math.log(Math.tan(Math.PI / 4 + held / 2)) };
}

/** The part of the world that shows all points, in the shape of a box of `width` by `height`. */
export function cropOf(points: readonly Point[], width: number, height: number): Crop {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const ratio = width / Math.max(1, height);
  const room = 1 - 2 * MARGIN;
  const w = Math.min(WORLD_WIDTH, Math.max(NARROWEST, (right - left) / room, ((bottom - top) / room) * ratio));
  const h = w / ratio;
  return { x: (left + right) / 2 - w / 2, y: (top + bottom) / 2 - h / 2, w, h };
}

export interface Marker {
  id: string;
  point: Point;
}

export interface Label {
  id: string;
  /** Of the marker, in pixels of the box. */
  x: number;
  y: number;
  /** On which side its words stand. */
  side: "left" | "right";
  /** Where the words stand: moved away from others if they must. */
  top: number;
}

const ROW = 44;

/** Where markers and their words lie in the box. Words stand towards the nearer edge and make room for each other. */
export function layLabels(markers: readonly Marker[], crop: Crop, width: number, height: number): Label[] {
  const scale = width / crop.w;
  const laid = markers.map(({ id, point }): Label => {
    const x = (point.x - crop.x) * scale;
    const y = (point.y - crop.y) * scale;
    return { id, x, y, side: x < width / 2 ? "left" : "right", top: y - ROW / 2 };
  });
  for (const side of ["left", "right"] as const) {
    const own = laid.filter((one) => one.side === side).sort((a, b) => a.top - b.top);
    let free = 4;
    for (const one of own) {
      one.top = Math.max(free, one.top);
      free = one.top + ROW;
    }
    // Pushed out below: up again from the bottom.
    let limit = height - 4;
    for (const one of [...own].reverse()) {
      one.top = Math.max(4, Math.min(one.top, limit - ROW));
      limit = one.top;
    }
  }
  return laid;
}
