/** `doppel data import sarptical`: SAR patches as MATLAB arrays, several optical views of each. */
import { FormatError, readText, type Store, UsageError } from '@doppel/core';
import { crsProblem } from '@doppel/core/dataset';
import { importSarptical, type PointCoordinates } from '@doppel/core/import';
import { command } from '../../command.ts';
import { above0, text } from '../../flags.ts';
import { OUT_FLAGS } from './import_flags.ts';
import { runImport } from './run_import.ts';

export default command({
  name: 'doppel data import sarptical',
  words: { folder: text('folder', 'Folder of the files') },
  flags: {
    coordinates: text('csv', 'Centres of the points, for splits by place: a header and lines `id,x,y`').optional(),
    crs: text('EPSG:32633', 'Coordinate system of --coordinates').optional(),
    resolution: above0('Ground length of a pixel, in units of --crs').default(1),
    ...OUT_FLAGS,
  },
  examples: [
    'doppel data import sarptical SARptical --out runs/sarptical',
    'doppel data import sarptical SARptical --coordinates points.csv --crs EPSG:32633 --out runs/sarptical',
  ],
  async run({ args, context }) {
    const coordinates = await readCoordinates(context.store, args.coordinates, args.crs, args.resolution);
    const options = { coordinates, maxNoData: args.maxNoData, strict: args.strict };
    return runImport({
      ...{ context, source: args.folder, unit: 'points', flags: args },
      work: (folder, attribution, hooks) =>
        importSarptical(context.store, args.folder, folder, { ...options, attribution }, hooks),
    });
  },
});

async function readCoordinates(
  store: Store,
  file: string | undefined,
  crs: string | undefined,
  resolution: number,
): Promise<PointCoordinates | undefined> {
  if (file === undefined && crs === undefined) return undefined;
  if (file === undefined || crs === undefined) {
    const found = file === undefined ? '--crs only' : '--coordinates only';
    throw new UsageError({ action: 'place the points', expected: '--coordinates and --crs', found });
  }
  const problem = crsProblem(crs);
  if (problem !== undefined) {
    throw new UsageError({
      action: 'use --crs',
      expected: 'a system that proj4 understands',
      found: `"${crs}" (${problem})`,
    });
  }
  const lines = (await readText(store, file)).split(/\r?\n/);
  const points = new Map<string, readonly [number, number]>();
  for (const [i, text] of lines.entries()) {
    if (i === 0 || text.trim() === '') continue;
    const [id, ...xy] = text.split(',').map((cell) => cell.trim());
    const [x, y] = xy.map((cell) => (cell === '' ? Number.NaN : Number(cell)));
    if (!id || xy.length !== 2 || !Number.isFinite(x) || !Number.isFinite(y)) {
      throw new FormatError({ action: 'read', file, line: i + 1, expected: 'id,x,y', found: `"${text}"` });
    }
    points.set(id, [x!, y!]);
  }
  return { crs, resolution, points };
}
