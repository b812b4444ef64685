/** Patches of the demo scenes as files, for the page. */
import { join } from 'node:path';
import { writeArrayBuffer } from 'geotiff';
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

/** A square of a demo scene as a georeferenced GeoTIFF; both sensors of a scene have one grid. */
export async function demoScene(sensor: 'sar' | 'optical', scene = '201', at = 300, side = 192): Promise<PageFile> {
  const file = await openRaster(new FileStore(), scenePath(sensor, scene));
  const { data, bands } = await file.read({ column: at, row: at, width: side, height: side });
  const [x, dx, , y, , dy] = file.transform!;
  await file.close();
  const place = {
    ModelPixelScale: [dx, -dy, 0],
    ModelTiepoint: [0, 0, 0, x + at * dx, y + at * dy, 0],
    ...{ GTModelTypeGeoKey: 1, GTRasterTypeGeoKey: 1, ProjectedCSTypeGeoKey: 3395 },
  };
  const size = { width: side, height: side, SamplesPerPixel: bands, PhotometricInterpretation: bands === 3 ? 2 : 1 };
  const bytes = writeArrayBuffer(Uint8Array.from(data), { ...size, ...place });
  return { name: `${sensor}.tif`, mimeType: 'image/tiff', buffer: Buffer.from(bytes) };
}
