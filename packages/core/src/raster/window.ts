/** A rectangle of pixels of a file, counted from its upper left corner. */
export interface RasterWindow {
  column: number;
  row: number;
  width: number;
  height: number;
}
