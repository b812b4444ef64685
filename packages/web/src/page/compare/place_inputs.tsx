/** A place in two scenes: a click in the SAR scene chooses it, a click in the optical scene moves the other patch. */
import Feature from 'ol/Feature.js';
import { fromExtent } from 'ol/geom/Polygon.js';
import VectorLayer from 'ol/layer/Vector.js';
import VectorSource from 'ol/source/Vector.js';
import type View from 'ol/View.js';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type Fault, faultOf } from '../fault.ts';
import { SceneInputs, type Sources } from '../frame/scene_inputs.tsx';
import { Select } from '../frame/select.tsx';
import { Trouble } from '../frame/trouble.tsx';
import { useScene } from '../frame/use_scene.ts';
import { pageWorker } from '../frame/worker_client.ts';
import { BOX_STYLE } from '../map/box_style.ts';
import { MapView, useView } from '../map/map_view.tsx';
import { projectionOf } from '../map/projections.ts';
import { sceneLayer } from '../map/scene_layer.ts';
import { unwrap } from '../worker/answer.ts';
import type { SceneFacts } from '../worker/scene_facts.ts';
import type { Pair } from './scores.ts';

type Point = [x: number, y: number];
type Places = { sar: Point; optical: Point };

const textsOf = (...values: number[]): Record<string, string> =>
  Object.fromEntries(values.map((each) => [each, `${each}`]));
const SIDES = textsOf(32, 48, 64, 96, 128);
const MARGINS = textsOf(8, 16, 32);

export function PlaceInputs({ onPair }: { onPair(pair: Pair | undefined): void }) {
  const [sources, setSources] = useState<Sources>({});
  const sar = useScene(sources.sar, 'sar');
  const optical = useScene(sources.optical, 'optical');
  useEffect(() => onPair(undefined), [sources]);
  return (
    <>
      <SceneInputs sensors={['sar', 'optical']} sources={sources} chosen={{ sar, optical }} onSources={setSources} />
      {sar.scene && optical.scene && <PlaceMaps sar={sar.scene} optical={optical.scene} onPair={onPair} />}
    </>
  );
}

interface PlaceMapsProps {
  sar: SceneFacts;
  optical: SceneFacts;
  onPair(pair: Pair | undefined): void;
}

function PlaceMaps({ sar, optical, onPair }: PlaceMapsProps) {
  const [places, setPlaces] = useState<Places>();
  const [side, setSide] = useState(64);
  const [margin, setMargin] = useState(16);
  const [fault, setFault] = useState<Fault>();
  const view = useView(projectionOf(sar.crs, sar.definition));
  const half = (side * sar.resolution) / 2;

  useEffect(() => {
    setFault(undefined);
    if (!places) return;
    let isCurrent = true;
    unwrap(pageWorker().cutPlace({ sar: sar.id, optical: optical.id, at: places, side, margin })).then(
      (pair) => isCurrent && onPair(pair),
      (error) => isCurrent && setFault(faultOf(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [places, side, margin, sar, optical]);

  const choose = (sensor: 'sar' | 'optical') => (at: number[]) => {
    const point = at.slice(0, 2) as Point;
    setPlaces((before) =>
      sensor === 'sar' || !before ? { sar: point, optical: point } : { ...before, optical: point },
    );
  };
  return (
    <div class="places">
      <p class="soft">Click a place in the SAR scene. A click in the optical scene moves the other patch alone.</p>
      <div class="pair">
        <SceneMap
          scene={sar}
          view={view}
          extent={sar.extent}
          label="SAR scene: click a place"
          at={places?.sar}
          half={half}
          onClick={choose('sar')}
        />
        <SceneMap
          scene={optical}
          view={view}
          extent={sar.extent}
          label="Optical scene: click to move the other patch"
          at={places?.optical}
          half={half}
          onClick={choose('optical')}
        />
      </div>
      <div class="row settings">
        <button type="button" class="quiet" onClick={() => choose('sar')(view.getCenter()!)}>
          Compare at the middle of the maps
        </button>
        <Select label="Patch side, px" values={SIDES} value={`${side}`} onValue={(each) => setSide(Number(each))} />
        <Select
          label="Map reaches, px"
          values={MARGINS}
          value={`${margin}`}
          onValue={(each) => setMargin(Number(each))}
        />
      </div>
      {fault && <Trouble fault={fault} />}
    </div>
  );
}

interface SceneMapProps {
  scene: SceneFacts;
  view: View;
  extent: number[];
  label: string;
  at: Point | undefined;
  /** Half of the patch's side on the ground. */
  half: number;
  onClick(at: number[]): void;
}

function SceneMap({ scene, view, extent, label, at, half, onClick }: SceneMapProps) {
  const box = useMemo(() => new VectorLayer({ source: new VectorSource(), style: BOX_STYLE }), []);
  const layers = useMemo(() => [sceneLayer(scene, 'ol-layer'), box], [scene, box]);
  useEffect(() => {
    box.getSource()!.clear();
    if (!at) return;
    const [x, y] = at;
    box.getSource()!.addFeature(new Feature(fromExtent([x - half, y - half, x + half, y + half])));
  }, [at, half]);
  return <MapView label={label} view={view} extent={extent} layers={layers} onClick={onClick} class="crosshair" />;
}
