/** Thins curves of thousands of points, which have more corners than a screen has pixels. */

export type Point = readonly [x: number, y: number];

/** Leaves out points (in pixels) nearer than `distance` to the last one kept; the first and last stay. */
export function thin(points: readonly Point[], distance = 0.4): Point[] {
  const kept: Point[] = [];
  for (const [i, point] of points.entries()) {
    const last = kept.at(-1);
    const isEnd = i === 0 || i === points.length - 1;
    const isFar = last && Math.max(Math.abs(point[0] - last[0]), Math.abs(point[1] - last[1])) >= distance;
    if (isEnd || isFar) kept.push(point);
  }
  return kept;
}
