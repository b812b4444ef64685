/**
 * Correction for GDAL: the moved file as a VRT with ground control points on a lattice, each where the correction puts it, and
 * the command that warps by them. Points of the fitted model, not the tie points: GDAL then fits what was fitted here.
 */

import { escaped } from '../../base/xml.ts';
import { fitMap } from '../../geo/pixel_map.ts';
import type { PlacedFile } from '../../geo/place.ts';
import { transformBetween } from '../../geo/reference_system.ts';
import { wktOf } from '../../geo/write_wkt.ts';
import type { SampleType } from '../../raster/missing.ts';
import { nearestAffine } from '../plane_map.ts';
import type { Correction } from '../registration.ts';
import type { CorrectedPlace } from './corrected_place.ts';

export interface GcpVrt {
  /** Text of the VRT. */
  readonly vrt: string;
  /** Script beside it that warps by it, from whichever folder it is called. */
  readonly script: string;
}

interface Gcp {
  column: number;
  row: number;
  x: number;
  y: number;
}

/** Points along each side. */
const LATTICE = 10;
/** Distance in pixels within which a polynomial stands for the correction. */
const CLOSE = 0.02;

/** @param name of the VRT. @param source path of the file as seen from the VRT's folder. */
export function gcpVrt(
  name: string,
  file: PlacedFile,
  source: string,
  place: CorrectedPlace,
  { crs }: Correction,
): GcpVrt {
  const gcps = gcpsOf(place, crs);
  const system = /^EPSG:\d+$/i.test(crs) ? crs : wktOf(crs);
  const bands = Array.from({ length: file.bands }, (_, i) => bandXml(file, i + 1, source));
  const lines = [
    `<VRTDataset rasterXSize="${file.width}" rasterYSize="${file.height}">`,
    `  <GCPList Projection="${escaped(system)}">`,
    ...gcps.map(
      ({ column, row, x, y }, i) => `    <GCP Id="${i + 1}" Pixel="${column}" Line="${row}" X="${x}" Y="${y}"/>`,
    ),
    '  </GCPList>',
    ...bands,
    '</VRTDataset>',
    '',
  ];
  const target = name.replace(/(\.vrt)?$/, '_warped.tif');
  const words = ['gdalwarp', ...howToFit(gcps), '-r', 'cubic', '-t_srs', shell(system), shell(name), shell(target)];
  return { vrt: lines.join('\n'), script: `#!/bin/sh\nset -e\ncd "$(dirname "$0")"\n${words.join(' ')} "$@"\n` };
}

function gcpsOf(place: CorrectedPlace, crs: string): Gcp[] {
  const there = transformBetween(place.crs, crs, 'the moved file');
  const along = (side: number) => Array.from({ length: LATTICE }, (_, i) => (i * side) / (LATTICE - 1));
  return along(place.height).flatMap((row) =>
    along(place.width).flatMap((column) => {
      const [x, y] = there(...place.fitted.toGround(column, row));
      return Number.isFinite(x) && Number.isFinite(y) ? [{ column, row, x, y }] : [];
    }),
  );
}

/** Options of gdalwarp: the lowest order of polynomial that meets the points, or a thin-plate spline. */
function howToFit(gcps: readonly Gcp[]): string[] {
  const affine = nearestAffine(
    gcps.map(({ x, y }) => [x, y]),
    gcps.map(({ column, row }) => [column, row]),
  );
  if (affine) {
    const [a0, a1, a2, a3, a4, a5] = affine;
    const misses = gcps.map(({ x, y, column, row }) =>
      Math.hypot(a0 + a1 * x + a2 * y - column, a3 + a4 * x + a5 * y - row),
    );
    if (Math.max(...misses) <= CLOSE) return ['-order', '1'];
  }
  const quadratic = fitMap(gcps);
  return quadratic && quadratic.worst <= CLOSE ? ['-order', '2'] : ['-tps'];
}

/** GDAL's names of types. */
function typeName({ kind, bits }: SampleType): string {
  if (kind === 'float') return bits <= 32 ? 'Float32' : 'Float64';
  if (bits <= 8) return kind === 'signed' ? 'Int16' : 'Byte';
  const width = bits <= 16 ? 16 : 32;
  return kind === 'signed' ? `Int${width}` : `UInt${width}`;
}

function bandXml(file: PlacedFile, band: number, source: string): string {
  const noData = file.noData === undefined ? '' : `<NoDataValue>${file.noData}</NoDataValue>`;
  const name = file.facts.get(band - 1)?.name;
  const colour = file.isRgb && band <= 3 ? `<ColorInterp>${['Red', 'Green', 'Blue'][band - 1]}</ColorInterp>` : '';
  const alpha = file.imageBands.includes(band - 1) ? colour : '<ColorInterp>Alpha</ColorInterp>';
  const from = `<SourceFilename relativeToVRT="1">${escaped(source)}</SourceFilename><SourceBand>${band}</SourceBand>`;
  const description = name === undefined ? '' : `<Description>${escaped(name)}</Description>`;
  return `  <VRTRasterBand dataType="${typeName(file.sample)}" band="${band}">${description}${noData}${alpha}<SimpleSource>${from}</SimpleSource></VRTRasterBand>`;
}

/** Word of a shell command. */
const shell = (text: string) => (/^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
