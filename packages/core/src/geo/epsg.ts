/**
 * EPSG reference systems by code, offline, from the table that `scripts/bundle_epsg.mjs` makes of the package
 * epsg-index.
 */
import { EPSG } from '#epsg';

let table: ReadonlyMap<string, string> | undefined;

/** Definition as a PROJ string; undefined for a code that is unknown or that proj4 cannot project. */
export function epsgDefinition(code: number | string): string | undefined {
  table ??= new Map(EPSG.split('\n').map((line) => line.split(/ (.*)/s, 2) as [string, string]));
  return table.get(String(code));
}
