/** Symmetries of the square: images and feature maps mirrored, turned by right angles, or both. */

/** A mirror image from left to right, which is then turned. */
export interface Turn {
  readonly flip: boolean;
  /** Right angles, counter-clockwise: 0, 1, 2 or 3. */
  readonly turns: number;
}

/** An image, a mask or a map: [height, width, channels], row by row. */
export interface Grid<T extends Float32Array | Uint8Array> {
  readonly data: T;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A copy, mirrored and turned: sides change places at odd turns. @returns the given grid if nothing changes. */
export function turned<T extends Float32Array | Uint8Array>(grid: Grid<T>, turn: Turn): Grid<T> {
  if (!turn.flip && turn.turns === 0) return grid;
  const { channels } = grid;
  const [width, height] = turn.turns % 2 === 1 ? [grid.height, grid.width] : [grid.width, grid.height];
  const data = grid.data.slice() as T;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [to, from] = [(row * width + column) * channels, sourceOf(row, column, grid, turn) * channels];
      for (let k = 0; k < channels; k++) data[to + k] = grid.data[from + k]!;
    }
  }
  return { data, width, height, channels };
}

/** The turn that undoes another one: a mirrored one undoes itself. */
export const inverseOf = ({ flip, turns }: Turn): Turn => ({ flip, turns: flip ? turns : (4 - turns) % 4 });

/** The cell that comes to (row, column): the moves undone, last one first. */
function sourceOf(row: number, column: number, { width, height }: Grid<Float32Array | Uint8Array>, turn: Turn): number {
  let [r, c] = [row, column];
  // Counter-clockwise by a right angle: what was at (c, width − 1 − r) comes to (r, c).
  if (turn.turns === 1) [r, c] = [column, width - 1 - row];
  else if (turn.turns === 2) [r, c] = [height - 1 - row, width - 1 - column];
  else if (turn.turns === 3) [r, c] = [height - 1 - column, row];
  return r * width + (turn.flip ? width - 1 - c : c);
}
