// Where the nodes of the fleet cluster lie: DNS and this console on the left, layers of servers in the middle, whoever
// could take over on the right. Pure: a width and counts in, boxes and paths out.

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Layer {
  id: string;
  servers: number;
}

export interface ClusterLink {
  id: string;
  d: string;
  /** Traffic flows, a person works, or a move would go this way. */
  kind: "traffic" | "work" | "cutover" | "none";
  label: { x: number; y: number; text: string } | undefined;
}

export interface Cluster {
  height: number;
  dns: Box;
  desk: Box;
  layers: ReadonlyMap<string, Box>;
  targets: Box;
  links: readonly ClusterLink[];
  /** How many servers of a layer get a chip. */
  chips: number;
}

const DRAWN = 1140;
const HEAD = 46;
const CHIP_ROW = 28;
const GAP = 16;
const TOP = 18;
const SIDE_H = 64;
const CHIPS_MAX = 9;

export function layCluster({ width, layers, trafficTo, managed }: { width: number; layers: readonly Layer[]; trafficTo: string | undefined; managed: boolean }): Cluster {
  const scale = Math.max(0.6, width / DRAWN);
  const column = (x: number, w: number) => ({ x: Math.round(x * scale), w: Math.round(w * scale) });
  const left = column(18, 236);
  const middle = column(392, 400);
  const right = column(902, 220);
  const perRow = Math.max(1, Math.floor((middle.w - 24) / 122));
  const boxes = new Map<string, Box>();
  let y = TOP;
  for (const layer of layers) {
    const rows = Math.max(1, Math.ceil(Math.min(layer.servers, CHIPS_MAX + 1) / perRow));
    const h = HEAD + rows * CHIP_ROW;
    boxes.set(layer.id, { ...middle, y, h });
    y += h + GAP;
  }
  const floor = Math.max(y - GAP, TOP + SIDE_H * 2 + GAP * 2);
  const dns: Box = { ...left, y: TOP, h: SIDE_H };
  const desk: Box = { ...left, y: floor - SIDE_H, h: SIDE_H };
  const targets: Box = { ...right, y: Math.round((TOP + floor) / 2 - 44), h: 88 };
  const links: ClusterLink[] = [];
  const first = layers[0];
  const last = layers[layers.length - 1];
  const reach = (id: string, from: Box, to: Box | undefined, kind: ClusterLink["kind"], text?: string) => {
    if (!to) return;
    const [x1, y1, x2, y2] = [from.x + from.w, from.y + from.h / 2, to.x - 5, to.y + to.h / 2];
    const half = Math.round((x2 - x1) / 2);
    links.push({ id, d: `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`, kind, label: text === undefined ? undefined : { x: (x1 + x2) / 2, y: (y1 + y2) / 2, text } });
  };
  for (const layer of layers) {
    const here = managed && layer.id === trafficTo;
    if (here || (!managed && layer === first)) reach(`dns/${layer.id}`, dns, boxes.get(layer.id), here ? "traffic" : "none", here ? "traffic" : undefined);
  }
  if (last) reach("desk", desk, boxes.get(last.id), "work", "operations");
  const from = boxes.get(trafficTo ?? first?.id ?? "");
  if (from) reach("cutover", from, targets, managed ? "cutover" : "none", managed ? "DNS would move" : undefined);
  return { height: floor + TOP, dns, desk, layers: boxes, targets, links, chips: CHIPS_MAX };
}
