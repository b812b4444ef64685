/** Every output of a job as a download. */
import { useState } from 'preact/hooks';
import { type Fault, faultOf } from '../fault.ts';
import { addressOf } from '../frame/examples.ts';
import { storedKey } from '../frame/key.ts';
import { call } from '../frame/server.ts';
import { Trouble } from '../frame/trouble.tsx';
import type { JobFile } from './job.ts';

const TEXTS: Readonly<Record<string, string>> = {
  'report.html': 'Report, a page of its own',
  'registration.json': 'Everything that was measured',
  'summary.json': 'Summary, as doppel register --json prints it',
  'transform.json': 'Correction, for doppel register apply',
  'tie_points.geojson': 'Tie points for any GIS',
  'tie_points.gpkg': 'Tie points as GeoPackage',
  'tie_points.csv': 'Tie points as a table',
  'tie_points.points': 'Tie points for QGIS’s georeferencer',
  'tie_points_georeferenced.points': 'Tie points for QGIS, in map coordinates',
  'tie_points_image.pts': 'Tie points for ENVI, image to image',
  'tie_points_map.pts': 'Tie points for ENVI, image to map',
  'gcps.vrt': 'Control points for GDAL',
  'gcps.sh': 'Commands for gdalwarp',
  'displacement.tif': 'Displacements of the ground',
  'item.json': 'STAC item',
};

const textOf = (name: string) =>
  name.startsWith('aligned_') ? 'Aligned scene, a cloud-optimised GeoTIFF' : TEXTS[name];

export function Downloads({ files }: { files: readonly JobFile[] }) {
  const [fault, setFault] = useState<Fault>();
  return (
    <section class="card" aria-labelledby="downloads-title">
      <h2 id="downloads-title">Downloads</h2>
      <ul class="downloads">
        {files.map((file) => (
          <li key={file.name}>
            <a
              href={addressOf(file.href)}
              download={file.name}
              onClick={(event) => {
                if (storedKey() === null) return;
                event.preventDefault(); // a link cannot send the key
                save(file).catch((error) => setFault(faultOf(error)));
              }}
            >
              {file.name}
            </a>
            <span class="soft">
              {textOf(file.name)} · {sizeText(file.bytes)}
            </span>
          </li>
        ))}
      </ul>
      {fault && <Trouble fault={fault} />}
    </section>
  );
}

export const sizeText = (bytes: number): string =>
  bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

async function save({ href, name }: JobFile): Promise<void> {
  const address = URL.createObjectURL(await (await call(href)).blob());
  const link = Object.assign(document.createElement('a'), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
