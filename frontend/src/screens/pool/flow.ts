// Where the nodes and links of the traffic flow lie. Pure: a width and the members in, boxes and paths out.

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Link {
  id: string;
  d: string;
  kind: "carry" | "idle" | "broken";
  /** The middle, for what is drawn upon it. */
  mx: number;
  my: number;
}

export interface FlowInput {
  width: number;
  members: readonly { id: string; active: boolean; down: boolean }[];
  /** Those that get a box, in order. */
  backends: readonly { down: boolean }[];
  /** Whether there are more of them. */
  moreBackends?: boolean;
}

export interface Flow {
  height: number;
  clients: Box;
  dns: Box;
  members: ReadonlyMap<string, Box>;
  /** How many members have no box. */
  more: number;
  /** One box for each backend that was given; none without an active member. */
  backends: readonly Box[];
  links: readonly Link[];
  label: { x: number; y: number; w: number };
}

/** The width for which the columns were drawn; others are stretched or shrunk in proportion. */
const DRAWN = 1170;
const STANDBYS = 4;
const AXIS = 74;
const BACKEND = { h: 52, gap: 10, lone: 66, top: 14 };

export function layFlow({ width, members, backends, moreBackends = false }: FlowInput): Flow {
  const scale = Math.max(0.6, width / DRAWN);
  const column = (x: number, w: number) => ({ x: Math.round(x * scale), w: Math.round(w * scale) });
  const clients: Box = { ...column(18, 150), y: 42, h: 64 };
  const dns: Box = { ...column(240, 218), y: 36, h: 76 };
  const seat = column(552, 278);
  const active = members.find((one) => one.active);
  const others = members.filter((one) => !one.active);
  const shown = others.slice(0, STANDBYS);
  const boxes = new Map<string, Box>();
  if (active) boxes.set(active.id, { ...seat, y: 30, h: 88 });
  shown.forEach((one, i) => boxes.set(one.id, { ...seat, y: (active ? 138 : 30) + i * 55, h: 46 }));
  const far = active ? layBackends(column(928, 226), backends.length) : [];

  const links: Link[] = [];
  const dnsEnd = dns.x + dns.w;
  const lit = active && !active.down ? "carry" : active ? "broken" : "idle";
  links.push(line("clients", clients.x + clients.w, dns.x - 4, lit === "idle" ? "idle" : "carry"));
  if (active) links.push(line(`to/${active.id}`, dnsEnd, seat.x - 4, lit));
  shown.forEach((one, i) => {
    const box = boxes.get(one.id);
    if (box) links.push(curve(`to/${one.id}`, dnsEnd, AXIS + 10 + i * 4, seat.x - 4, box.y + box.h / 2));
  });
  far.forEach((box, i) => {
    const kind = active?.down ? "idle" : backends[i]?.down ? "broken" : "carry";
    links.push({ ...curve(`backend/${i}`, seat.x + seat.w, AXIS, box.x - 4, box.y + box.h / 2), kind });
  });
  const last = far[far.length - 1];
  const bottom = Math.max(...[...boxes.values()].map((box) => box.y + box.h), dns.y + dns.h + 56, last ? last.y + last.h + (moreBackends ? 22 : 0) : 0);
  return {
    height: Math.max(192, bottom + 14), clients, dns, members: boxes, more: others.length - shown.length, backends: far, links,
    label: { x: clients.x, y: dns.y + dns.h + 46, w: dnsEnd - clients.x },
  };
}

/** One stands beside the active member; several are stacked around it as far as there is room above. */
function layBackends(seat: { x: number; w: number }, count: number): Box[] {
  if (count === 1) return [{ ...seat, y: AXIS - BACKEND.lone / 2, h: BACKEND.lone }];
  const whole = count * BACKEND.h + (count - 1) * BACKEND.gap;
  const top = Math.max(BACKEND.top, AXIS - whole / 2);
  return Array.from({ length: count }, (_, i) => ({ ...seat, y: top + i * (BACKEND.h + BACKEND.gap), h: BACKEND.h }));
}

function line(id: string, from: number, to: number, kind: Link["kind"]): Link {
  return { id, d: `M${from} ${AXIS}H${to}`, kind, mx: (from + to) / 2, my: AXIS };
}

function curve(id: string, x1: number, y1: number, x2: number, y2: number): Link {
  const half = Math.round((x2 - x1) * 0.55);
  return { id, d: `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`, kind: "idle", mx: (x1 + x2) / 2, my: (y1 + y2) / 2 };
}
