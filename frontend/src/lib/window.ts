// Which rows of a long list are drawn. Pure.

export interface Slice {
  from: number;
  to: number;
  /** Room above and below, so that the scroll bar tells the truth. */
  above: number;
  below: number;
}

/** Rows of `row` px visible in `view` px at `top`, with `spare` rows around. */
export function visibleSlice(count: number, row: number, top: number, view: number, spare = 6): Slice {
  const from = Math.max(0, Math.min(count, Math.floor(top / row) - spare));
  const to = Math.min(count, Math.ceil((top + view) / row) + spare);
  return { from, to: Math.max(from, to), above: from * row, below: (count - Math.max(from, to)) * row };
}
