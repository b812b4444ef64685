/** Footprints of the places on a map with meridians and parallels, the best on top; the searched scene lies beneath. */

import { cssOf, viridis } from '@doppel/report';
import GeoJSON from 'ol/format/GeoJSON.js';
import Graticule from 'ol/layer/Graticule.js';
import VectorLayer from 'ol/layer/Vector.js';
import { get } from 'ol/proj.js';
import VectorSource from 'ol/source/Vector.js';
import { Fill, Stroke, Style, Text } from 'ol/style.js';
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
    footprints.setStyle((feature) => styleOf(feature.get('rank'), feature.get('probability'), chosen));
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

const graticule = () =>
  new Graticule({
    strokeStyle: new Stroke({ color: '#8898a688', width: 1 }),
    ...{ showLabels: true, wrapX: false },
  });

function styleOf(rank: number, probability: number, chosen: number | undefined): Style {
  const isChosen = rank === chosen;
  return new Style({
    stroke: new Stroke({ color: isChosen ? '#ffd24a' : cssOf(viridis(probability)), width: isChosen ? 4 : 2.5 }),
    fill: new Fill({ color: '#0002' }),
    text: new Text({
      text: String(rank),
      font: '600 13px system-ui, sans-serif',
      fill: new Fill({ color: '#fff' }),
      stroke: new Stroke({ color: '#000', width: 3 }),
    }),
    zIndex: isChosen ? 1e6 : -rank,
  });
}
