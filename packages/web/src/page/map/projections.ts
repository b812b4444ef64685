/** Reference systems of scenes, known to OpenLayers by proj4. */

import { register } from 'ol/proj/proj4.js';
import { get, type Projection } from 'ol/proj.js';
import proj4 from 'proj4';
import { pageWorker } from '../frame/worker_client.ts';
import { unwrap } from '../worker/answer.ts';

/** Names that OpenLayers knows by the texts of systems. */
const names = new Map<string, string>();

/** @param definition text for proj4. */
export function projectionOf(crs: string, definition: string): Projection {
  const name = names.get(crs) ?? (/^EPSG:\d+$/.test(crs) ? crs : `doppel:${names.size}`);
  if (!names.has(crs)) {
    names.set(crs, name);
    if (!get(name)) {
      proj4.defs(name, definition);
      register(proj4);
    }
  }
  return get(name)!;
}

/** @throws FaultError for a system that cannot be computed. */
export async function projectionByName(crs: string): Promise<Projection> {
  return projectionOf(crs, await unwrap(pageWorker().definitionOf(crs)));
}
