/** Positions of tie points on a picture that shows a window of the working grid. */
import type { Registration, TiePoint } from '@doppel/core/registration';

/** Part of the working grid, in its pixels. */
export interface GridWindow {
  readonly column: number;
  readonly row: number;
  readonly width: number;
  readonly height: number;
}

/** Width in which maps are drawn, in units of their SVG. */
export const MAP_WIDTH = 1000;

export interface MapFrame {
  readonly width: number;
  readonly height: number;
  /** Units of the map in a pixel of the working grid. */
  readonly unit: number;
  /** Position on the map of ground in the grid's reference system. */
  place(ground: readonly [number, number]): [x: number, y: number];
}

export function mapFrame({ transform }: Registration['grid'], window: GridWindow): MapFrame {
  const [x0, a, b, y0, c, d] = transform as [number, number, number, number, number, number];
  const determinant = a * d - b * c;
  const unit = MAP_WIDTH / window.width;
  return {
    width: MAP_WIDTH,
    height: window.height * unit,
    unit,
    place([x, y]) {
      const [dx, dy] = [x - x0, y - y0];
      const [column, row] = [(d * dx - b * dy) / determinant, (a * dy - c * dx) / determinant];
      return [(column - window.column) * unit, (row - window.row) * unit];
    },
  };
}

/** Points that became part of the result: the fit's and those held out. */
export const isUsed = ({ reason }: TiePoint) => reason === 'used';
