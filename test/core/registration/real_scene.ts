/** The middle of a real scene as a file of its own. */
import type { PlacedFile } from '../../../packages/core/src/geo/place.ts';
import { composed } from '../../../packages/core/src/registration/pixel_affine.ts';

export function cropped(file: PlacedFile, side: number): PlacedFile {
  const [left, top] = [Math.floor((file.width - side) / 2), Math.floor((file.height - side) / 2)];
  const transform = composed(file.transform!, [left, 1, 0, top, 0, 1]);
  const read: PlacedFile['read'] = (window = { column: 0, row: 0, width: side, height: side }, bands) =>
    file.read({ ...window, column: window.column + left, row: window.row + top }, bands);
  return { ...file, width: side, height: side, transform, read };
}
