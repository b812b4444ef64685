/** A scene in which the reader draws a box by dragging, by a click, or at the middle of the map by keyboard. */
import Feature from 'ol/Feature.js';
import { fromExtent } from 'ol/geom/Polygon.js';
import DragBox from 'ol/interaction/DragBox.js';
import VectorLayer from 'ol/layer/Vector.js';
import type OlMap from 'ol/Map.js';
import VectorSource from 'ol/source/Vector.js';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { BOX_STYLE } from '../map/box_style.ts';
import { MapView, useView } from '../map/map_view.tsx';
import { projectionOf } from '../map/projections.ts';
import { sceneLayer } from '../map/scene_layer.ts';
import type { SceneFacts } from '../worker/scene_facts.ts';
import { middleOf, type SideRule, sideOf, squareOf } from './box.ts';

export interface Box {
  /** Ground of its middle in the scene's reference system. */
  at: [x: number, y: number];
  /** Pixels of the scene. */
  side: number;
}

interface BoxMapProps {
  scene: SceneFacts;
  rule: SideRule;
  box: Box | undefined;
  onBox(box: Box): void;
}

export function BoxMap({ scene, rule, box, onBox }: BoxMapProps) {
  const [isDrawing, setDrawing] = useState(true);
  const shown = useMemo(() => new VectorLayer({ source: new VectorSource(), style: BOX_STYLE }), []);
  const layers = useMemo(() => [sceneLayer(scene, 'ol-layer'), shown], [scene, shown]);
  const view = useView(projectionOf(scene.crs, scene.definition));
  const drag = useRef<DragBox>();
  const drawn = useRef<(extent: number[]) => void>(() => {});
  drawn.current = (extent) => {
    const wide = Math.max(extent[2]! - extent[0]!, extent[3]! - extent[1]!) / scene.resolution;
    onBox({ at: middleOf(extent), side: sideOf(wide, rule) });
  };
  useEffect(() => {
    shown.getSource()!.clear();
    if (!box) return;
    const half = (box.side * scene.resolution) / 2;
    shown.getSource()!.addFeature(new Feature(fromExtent(squareOf([...box.at, ...box.at], half))));
  }, [box, scene, shown]);
  useEffect(() => drag.current?.setActive(isDrawing), [isDrawing]);

  const addDrag = (map: OlMap) => {
    drag.current = new DragBox({ className: 'drawn-box', minArea: 0 });
    drag.current.on('boxend', () => drawn.current(drag.current!.getGeometry().getExtent()));
    map.addInteraction(drag.current);
    return undefined;
  };
  return (
    <div class="box-map">
      <div class="row settings">
        <button type="button" class="quiet" aria-pressed={isDrawing} onClick={() => setDrawing(!isDrawing)}>
          Draw a box
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => onBox({ at: view.getCenter()!.slice(0, 2) as [number, number], side: rule.side })}
        >
          Search at the middle of the map
        </button>
        <span class="soft">
          {isDrawing ? 'Drag a box, or click for one of the usual size.' : 'Drag to move the map.'}
          {box && ` Now: ${box.side} × ${box.side} pixels.`}
        </span>
      </div>
      <MapView
        label="Scene in which to draw a box"
        view={view}
        extent={scene.extent}
        layers={layers}
        onMap={addDrag}
        class={isDrawing ? 'crosshair' : ''}
      />
    </div>
  );
}
