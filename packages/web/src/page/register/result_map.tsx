/** Both scenes on each other by swipe, blink or opacity, with the tie points over them. */
import type { Reason, Registration, TiePoint } from '@doppel/core/registration';
import { REASON_TEXT, VIRIDIS_GRADIENT } from '@doppel/report';
import type { Projection } from 'ol/proj.js';
import { transformExtent } from 'ol/proj.js';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Sensor } from '../fault.ts';
import { Choice } from '../frame/choice.tsx';
import { Trouble } from '../frame/trouble.tsx';
import { useScene } from '../frame/use_scene.ts';
import { MapView, useView } from '../map/map_view.tsx';
import { projectionOf } from '../map/projections.ts';
import { sceneLayer } from '../map/scene_layer.ts';
import type { SceneFacts } from '../worker/scene_facts.ts';
import type { SceneSource } from '../worker/scenes.ts';
import {
  ARROWS,
  type ArrowKind,
  byResidual,
  countsOf,
  factorOf,
  pointName,
  pointText,
  spanOf,
} from './point_features.ts';
import { drawPoints, pointLayer } from './point_layer.ts';

const MODES = { swipe: 'swipe', blink: 'blink', opacity: 'opacity' } as const;
type Mode = keyof typeof MODES;
/** Milliseconds that each scene is shown while they blink: slow enough for those whom flashes harm. */
const BLINK_MS = 700;

interface ResultMapProps {
  registration: Registration;
  projection: Projection;
  sar: SceneSource;
  optical: SceneSource;
  /** The scene that was moved, where it belongs; absent if the registration is refused, or none was to be moved. */
  aligned: { side: Sensor; source: SceneSource } | undefined;
}

export function ResultMap({ registration, projection, ...sources }: ResultMapProps) {
  const [sarSource] = useState(sources.sar);
  const [opticalSource] = useState(sources.optical);
  const [aligned] = useState(sources.aligned);
  const own = { sar: useScene(sarSource), optical: useScene(opticalSource) };
  const moved = useScene(aligned?.source);
  const [state, setState] = useState<'after' | 'before'>(aligned ? 'after' : 'before');
  const [mode, setMode] = useState<Mode>('swipe');
  const [edge, setEdge] = useState(50);
  const [opacity, setOpacity] = useState(50);
  const [arrows, setArrows] = useState<ArrowKind>('offset');
  const [reasons, setReasons] = useState<ReadonlySet<Reason>>(new Set(['used', 'off the model']));
  const [picked, setPicked] = useState<TiePoint>();
  const view = useView(projection);
  const shownOf = (side: Sensor) => (state === 'after' && aligned?.side === side && moved.scene ? moved : own[side]);
  const [sar, optical] = [shownOf('sar'), shownOf('optical')];
  const isOn = useBlink(mode === 'blink');

  const sarLayer = useLayer(sar.scene, 'sar-layer ol-layer');
  const opticalLayer = useLayer(optical.scene, 'optical-layer ol-layer');
  const points = useMemo(pointLayer, []);
  const layers = useMemo(
    () => [sarLayer, opticalLayer, points].filter((layer) => layer !== undefined),
    [sarLayer, opticalLayer, points],
  );
  useEffect(() => {
    opticalLayer?.setOpacity(mode === 'opacity' ? opacity / 100 : 1);
    opticalLayer?.setVisible(isOn);
  }, [opticalLayer, mode, opacity, isOn]);
  useEffect(
    () => drawPoints(points, registration, { reasons, arrows, picked }),
    [points, registration, reasons, arrows, picked],
  );

  const fault = own.sar.fault ?? own.optical.fault ?? moved.fault;
  if (fault) return <Trouble fault={fault} />;
  if (!sar.scene || !optical.scene) return <p role="status">Reading the scenes …</p>;
  const { crs, definition, extent: ground } = sar.scene;
  const extent = transformExtent(ground, projectionOf(crs, definition), projection);
  return (
    <section class="card" aria-labelledby="map-title-result">
      <h2 id="map-title-result">Both scenes</h2>
      <div class="row settings">
        <Choice legend="Show by" values={MODES} value={mode} onValue={(next) => setMode(next)} />
        {aligned && (
          <Choice
            legend={aligned.side === 'sar' ? 'SAR scene' : 'Optical scene'}
            values={{ after: 'corrected', before: 'as its file says' }}
            value={state}
            onValue={(next) => setState(next)}
          />
        )}
        <Choice legend="Arrows" values={ARROWS} value={arrows} onValue={(next) => setArrows(next)} />
      </div>
      <div class={`stage ${mode}`} style={{ '--edge': `${edge}%` }}>
        <MapView
          label="Map of both scenes and the tie points"
          view={view}
          extent={extent}
          layers={layers}
          onMap={(map) => {
            map.on('singleclick', ({ pixel }) => {
              setPicked(map.forEachFeatureAtPixel(pixel, (each) => each.get('point'), { hitTolerance: 6 }));
            });
            return undefined;
          }}
        />
        {mode === 'swipe' && <Slider label="Edge between SAR and optical scene" value={edge} onValue={setEdge} />}
        {mode === 'opacity' && <Slider label="Opacity of the optical scene" value={opacity} onValue={setOpacity} />}
      </div>
      <PointPicker points={registration.points} reasons={reasons} picked={picked} onPicked={setPicked} />
      <Legend registration={registration} arrows={arrows} />
      <Reasons registration={registration} shown={reasons} onShown={setReasons} />
    </section>
  );
}

interface PointPickerProps {
  points: readonly TiePoint[];
  reasons: ReadonlySet<Reason>;
  picked: TiePoint | undefined;
  onPicked(point: TiePoint | undefined): void;
}

/** Measurements at a tie point, which is clicked on the map or chosen from a list: the largest residuals first. */
function PointPicker({ points, reasons, picked, onPicked }: PointPickerProps) {
  const listed = points.filter((point) => reasons.has(point.reason) || point === picked).sort(byResidual);
  return (
    <div class="row settings">
      <label class="inline">
        Tie point
        <select
          value={picked?.id ?? ''}
          onChange={({ currentTarget: { value } }) => onPicked(listed.find(({ id }) => value === String(id)))}
        >
          <option value="">none</option>
          {listed.map((point) => (
            <option key={point.id} value={point.id}>
              {pointName(point)}
            </option>
          ))}
        </select>
      </label>
      <span class="soft" role="status">
        {picked ? pointText(picked) : 'Click one, or choose it from the list, for what was measured there.'}
      </span>
    </div>
  );
}

const useLayer = (scene: SceneFacts | undefined, className: string) =>
  useMemo(() => scene && sceneLayer(scene, className), [scene, className]);

/** True while the upper scene is shown. */
function useBlink(isBlinking: boolean): boolean {
  const [isOn, setOn] = useState(true);
  useEffect(() => {
    setOn(true);
    if (!isBlinking) return;
    const timer = setInterval(() => setOn((before) => !before), BLINK_MS);
    return () => clearInterval(timer);
  }, [isBlinking]);
  return isOn;
}

interface SliderProps {
  label: string;
  value: number;
  onValue(value: number): void;
}

function Slider({ label, value, onValue }: SliderProps) {
  return (
    <input
      class="slider"
      type="range"
      min="0"
      max="100"
      aria-label={label}
      value={value}
      onInput={({ currentTarget }) => onValue(Number(currentTarget.value))}
    />
  );
}

function Legend({ registration, arrows }: { registration: Registration; arrows: ArrowKind }) {
  return (
    <div class="legend">
      <div class="scale">
        <span>residual 0 px</span>
        <span class="bar" style={{ background: VIRIDIS_GRADIENT }} />
        <span>{spanOf(registration.points).toFixed(1)} px and more</span>
      </div>
      <ul>
        <li>
          <i class="round" /> in the fit
        </li>
        <li>
          <i class="square" /> held out, to judge it
        </li>
        <li>
          <i class="round off" /> off the model
        </li>
        <li>
          <i class="cross" /> no tie point
        </li>
        {arrows !== 'none' && <li>arrows are drawn {factorOf(registration, arrows)} times their length</li>}
      </ul>
    </div>
  );
}

interface ReasonsProps {
  registration: Registration;
  shown: ReadonlySet<Reason>;
  onShown(shown: ReadonlySet<Reason>): void;
}

function Reasons({ registration, shown, onShown }: ReasonsProps) {
  const toggle = (reason: Reason) => {
    const next = new Set(shown);
    if (!next.delete(reason)) next.add(reason);
    onShown(next);
  };
  return (
    <fieldset class="reasons">
      <legend>Cells by what became of them</legend>
      {[...countsOf(registration.points)]
        .sort(([, a], [, b]) => b - a)
        .map(([reason, count]) => (
          <label key={reason}>
            <input type="checkbox" checked={shown.has(reason)} onChange={() => toggle(reason)} />
            <strong>{count}</strong> {reason}
            <span class="soft">{REASON_TEXT[reason]}</span>
          </label>
        ))}
    </fieldset>
  );
}
