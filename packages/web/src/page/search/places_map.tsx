/** Footprints of the places on a map with meridians and parallels, the best on top; the searched scene lies beneath. */

import { cssOf, viridis } from '@doppel/report';
import { getCenter } from 'ol/extent.js';
import GeoJSON from 'ol/format/GeoJSON.js';
import Point from 'ol/geom/Point.js';
import Graticule from 'ol/layer/Graticule.js';
import VectorLayer from 'ol/layer/Vector.js';
import { get } from 'ol/proj.js';
import VectorSource from 'ol/source/Vector.js';
import { Circle, Fill, Stroke, Style, Text } from 'ol/style.js';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { MapView, useView } from '../map/map_view.tsx';
import { sceneLayer } from '../map/scene_layer.ts';
import type { SceneFacts } from '../worker/scene_facts.ts';
import type { Places } from './galleries.ts';

interface PlacesMapProps {
  places: Places;
  scene: SceneFacts;
  /** Rank of the chosen place. */
  chosen: number | undefined;
  onChosen(rank: number | undefined): void;
}

const WEB_MERCATOR = get('EPSG:3857')!;
const FORMAT = new GeoJSON({ dataProjection: 'EPSG:4326', featureProjection: WEB_MERCATOR });

export function PlacesMap({ places, scene, chosen, onChosen }: PlacesMapProps) {
  const view = useView(WEB_MERCATOR);
  const source = useMemo(() => new VectorSource({ features: FORMAT.readFeatures(places) }), [places]);
  const footprints = useMemo(() => new VectorLayer({ source }), [source]);
  const layers = useMemo(() => [sceneLayer(scene, 'ol-layer searched'), graticule(), footprints], [scene, footprints]);
  const pick = useRef(onChosen);
  pick.current = onChosen;
  useEffect(() => {
    footprints.setStyle((feature) => stylesOf(feature.get('rank'), feature.get('probability'), chosen));
    const feature = source.getFeatures().find((each) => each.get('rank') === chosen);
    if (feature)
      view.fit(feature.getGeometry()!.getExtent(), { maxZoom: 13, padding: [80, 80, 80, 80], duration: 200 });
  }, [chosen, footprints, source]);
  if (source.getFeatures().every((feature) => !feature.getGeometry())) {
    return <p class="soft">The scenes of the gallery do not say where they lie.</p>;
  }
  return (
    <MapView
      label="Map of the places that were found"
      view={view}
      extent={source.getExtent()!}
      padding={40}
      layers={layers}
      onMap={(map) => {
        map.on('singleclick', ({ pixel }) => {
          pick.current(map.forEachFeatureAtPixel(pixel, (each) => each.get('rank'), { hitTolerance: 4 }));
        });
        return undefined;
      }}
    />
  );
}

function graticule(): Graticule {
  const { color, backgroundColor } = getComputedStyle(document.body); // by the theme
  const label = {
    font: '12px system-ui, sans-serif',
    fill: new Fill({ color }),
    stroke: new Stroke({ color: backgroundColor, width: 3 }),
  };
  return new Graticule({
    strokeStyle: new Stroke({ color: '#8898a688', width: 1 }),
    ...{ showLabels: true, wrapX: false },
    lonLabelStyle: new Text({ ...label, textBaseline: 'bottom', offsetY: -2 }),
    latLabelStyle: new Text({ ...label, textAlign: 'end', offsetX: -4 }),
  });
}

/** Footprint, and its rank in a disc that shows at any scale. */
function stylesOf(rank: number, probability: number, chosen: number | undefined): Style[] {
  const isChosen = rank === chosen;
  const color = isChosen ? '#ffd24a' : cssOf(viridis(probability));
  const zIndex = isChosen ? 1e6 : -rank;
  const footprint = new Style({ stroke: new Stroke({ color, width: isChosen ? 4 : 2.5 }), zIndex });
  const disc = new Style({
    geometry: (feature) => new Point(getCenter(feature.getGeometry()!.getExtent())),
    image: new Circle({
      radius: 11,
      fill: new Fill({ color: '#12181dd9' }),
      stroke: new Stroke({ color, width: 2.5 }),
    }),
    text: new Text({ text: String(rank), font: '600 12px system-ui, sans-serif', fill: new Fill({ color: '#fff' }) }),
    zIndex,
  });
  return [footprint, disc];
}
