/** Galleries of the server, and searches in them. */
import type { Raster } from '@doppel/core/raster';
import type { Sensor } from '../fault.ts';
import { imageOf } from '../frame/image_json.ts';
import { call, callJson } from '../frame/server.ts';

export interface Gallery {
  name: string;
  tiles: number;
  model: string;
  side: number;
  metresPerPixel: number | null;
  /** West, south, east, north in degrees. */
  bbox: [number, number, number, number] | null;
  /** Sensor of its scenes; patches are of the other one. */
  modality: Sensor;
}

export interface FoundPlace {
  rank: number;
  score: number;
  probability: number;
  similarity: number;
  scene: string;
  window: { x: number; y: number; side: number };
  /** Path of the picture. */
  picture: string;
}

/** GeoJSON of the places, in WGS 84. */
export interface Places {
  type: 'FeatureCollection';
  features: {
    type: 'Feature';
    geometry: { type: 'Polygon'; coordinates: number[][][] } | null;
    properties: FoundPlace;
  }[];
}

export const listGalleries = async (): Promise<Gallery[]> =>
  (await callJson<{ galleries: Gallery[] }>('/v1/galleries')).galleries;

/** @param k places at most. @throws FaultError */
export function searchPlaces({ name, modality }: Gallery, patch: Raster, k: number): Promise<Places> {
  const sensor = otherOf(modality);
  const body = JSON.stringify({ gallery: name, modality: sensor, image: imageOf(patch), k });
  return callJson('/v1/search', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
}

export const otherOf = (sensor: Sensor): Sensor => (sensor === 'sar' ? 'optical' : 'sar');

/** Address of a picture in this page: the path itself would come without the key. */
export const pictureAddress = async (path: string): Promise<string> =>
  URL.createObjectURL(await (await call(path)).blob());
