/** Patches of the demo scenes as files, for the page. */
import { join } from 'node:path';
import { FileStore } from '../../packages/core/src/node.ts';
import { encodePatch } from '../../packages/core/src/raster/encode_patch.ts';
import { openRaster } from '../../packages/core/src/raster/open.ts';
import { ROOT } from '../house/source_imports.ts';

export interface PageFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

export const scenePath = (sensor: 'sar' | 'optical', scene: string) => join(ROOT, `data/demo/${sensor}/${scene}.tif`);

/** 64 × 64 pixels of a scene. */
export async function demoPatch(sensor: 'sar' | 'optical', scene = '201', at = 480, side = 64): Promise<PageFile> {
  const file = await openRaster(new FileStore(), scenePath(sensor, scene));
  const { bytes, extension } = encodePatch(await file.read({ column: at, row: at, width: side, height: side }));
  await file.close();
  return { name: `${sensor}.${extension}`, mimeType: 'image/png', buffer: Buffer.from(bytes) };
}
