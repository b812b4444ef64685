/** Places that were found as GeoJSON (RFC 7946): footprints in WGS 84. */
import type { Point } from '../geo/pixel_map.ts';
import type { Corners } from './opened_scene.ts';
import type { FoundPlace } from './search_gallery.ts';

/** @param extra properties of a place, such as the address of its picture. */
export function placesGeojson<Extra extends object = object>(
  places: readonly FoundPlace[],
  extra: (place: FoundPlace) => Extra = () => ({}) as Extra,
) {
  return {
    type: 'FeatureCollection' as const,
    features: places.map((place) => {
      const { rank, score, probability, similarity, name, window, corners } = place;
      const { column: x, row: y, width: side } = window;
      return {
        type: 'Feature' as const,
        geometry: corners ? { type: 'Polygon' as const, coordinates: [ringOf(corners)] } : null,
        properties: {
          ...{ rank, score, probability, similarity, scene: name, window: { x, y, side } },
          ...extra(place),
        },
      };
    }),
  };
}

/** Closed ring, counterclockwise on the ground. */
function ringOf(corners: Corners): Point[] {
  const ring = [...corners, corners[0]];
  const turn = ring.slice(1).reduce((sum, [x, y], i) => sum + ring[i]![0] * y - x * ring[i]![1], 0);
  return turn < 0 ? ring.reverse() : ring;
}
