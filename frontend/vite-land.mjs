// The fleet map's land, drawn when the page is built: `virtual:land` holds two paths in Mercator units, so that the page
// needs no map library and loads nothing. A crop of them is a view box; `src/screens/generic/places.ts` knows the units.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { geoMercator, geoPath } from "d3-geo";
import { feature, mesh } from "topojson-client";

/** Width of the whole world; 20 units are one degree of longitude. */
const WORLD = 7200;
/** Beyond these latitudes nobody keeps servers, and Mercator grows without end. */
const NORTH = 78;
const SOUTH = -57;
/** Steps shorter than this are not drawn. */
const STEP = 4;
const ID = "virtual:land";

const projection = geoMercator().scale(WORLD / (2 * Math.PI)).translate([WORLD / 2, 0]);
const ofLatitude = (latitude) => projection([0, latitude])[1];
const clipped = geoMercator().scale(WORLD / (2 * Math.PI)).translate([WORLD / 2, 0])
  .clipExtent([[0, ofLatitude(NORTH)], [WORLD, ofLatitude(SOUTH)]]);

/** A path's pen that skips tiny steps and writes whole, relative ones. */
class Pen {
  text = "";
  #at = [0, 0];
  #start = [0, 0];
  #running = false;
  moveTo(x, y) {
    this.#at = [Math.round(x), Math.round(y)];
    this.#start = this.#at;
    this.text += `M${this.#at[0]} ${this.#at[1]}`;
    this.#running = false;
  }
  lineTo(x, y) {
    const [dx, dy] = [Math.round(x) - this.#at[0], Math.round(y) - this.#at[1]];
    if (Math.abs(dx) + Math.abs(dy) < STEP) return;
    // One letter for a whole run of steps.
    this.text += `${this.#running ? (dx < 0 ? "" : " ") : "l"}${dx}${dy < 0 ? "" : " "}${dy}`;
    this.#running = true;
    this.#at = [this.#at[0] + dx, this.#at[1] + dy];
  }
  closePath() {
    this.text += "z";
    this.#running = false;
    this.#at = this.#start;
  }
}

function draw(shape) {
  const pen = new Pen();
  geoPath(clipped, pen)(shape);
  // Islands of which no step is left.
  return pen.text.replace(/M-?\d+ -?\d+(l-?\d+ ?-?\d+)?z?(?=M|$)/g, "");
}

/** The Vite plugin. */
export function land() {
  return {
    name: "land",
    resolveId: (id) => (id === ID ? `\0${ID}` : undefined),
    load(id) {
      if (id !== `\0${ID}`) return undefined;
      const atlas = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("world-atlas/countries-50m.json"), "utf8"));
      const land = draw(feature(atlas, atlas.objects.land));
      const borders = draw(mesh(atlas, atlas.objects.countries, (a, b) => a !== b));
      // A test holds these beside the page's own formula.
      const probes = [[0, 51.5], [13.4, 52.5], [-70.6, -33.4]].map((at) => [at, projection(at)]);
      return [["LAND", land], ["BORDERS", borders], ["WORLD", WORLD], ["PROBES", probes]]
        .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`).join("\n");
    },
  };
}
