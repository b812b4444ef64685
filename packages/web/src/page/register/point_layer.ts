/** Layer of tie points with arrows. */
import type { Reason, Registration, TiePoint } from '@doppel/core/registration';
import Feature from 'ol/Feature.js';
import LineString from 'ol/geom/LineString.js';
import Point from 'ol/geom/Point.js';
import VectorLayer from 'ol/layer/Vector.js';
import VectorSource from 'ol/source/Vector.js';
import { Circle, Fill, RegularShape, Stroke, Style } from 'ol/style.js';
import { type ArrowKind, colourOf, factorOf, spanOf, tipOf, vectorOf } from './point_features.ts';

const HALO = '#000b';
/** A square that stands on a side. */
const SQUARE = { points: 4, angle: Math.PI / 4 };

export const pointLayer = () => new VectorLayer({ source: new VectorSource(), zIndex: 2 });

export interface ShownPoints {
  reasons: ReadonlySet<Reason>;
  arrows: ArrowKind;
  /** Point with a ring around it. */
  picked: TiePoint | undefined;
}

/** Draws the points of some reasons again. */
export function drawPoints(
  layer: VectorLayer,
  registration: Registration,
  { reasons, arrows, picked }: ShownPoints,
): void {
  const { points, grid } = registration;
  const span = spanOf(points);
  const factor = factorOf(registration, arrows);
  const shown = points.filter((point) => reasons.has(point.reason) || point === picked);
  const features = shown.flatMap((point) => {
    const at = [...point.sarGround];
    const marked = new Feature({ geometry: new Point(at), point });
    marked.setStyle(point === picked ? [RING, markOf(point, span)] : markOf(point, span));
    const vector = vectorOf(point, arrows);
    if (!vector || !hasArrow(point)) return [marked];
    const tip = tipOf(point.sarGround, vector, grid, factor);
    const line = new Feature({ geometry: new LineString([at, tip]) });
    line.setStyle(arrowStyle(colourOf(point, span) ?? '#fff', at as [number, number], tip));
    return [line, marked];
  });
  const source = layer.getSource()!;
  source.clear();
  source.addFeatures(features);
}

const hasArrow = ({ reason }: TiePoint) => reason === 'used';

/** Round in the fit, square if held out, a cross where there is no tie point. */
function markOf(point: TiePoint, span: number): Style {
  const isTie = point.reason === 'used' || point.reason === 'off the model';
  if (!isTie) return CROSS;
  const fill = new Fill({ color: colourOf(point, span) ?? '#fff' });
  const stroke = new Stroke({ color: point.reason === 'used' ? HALO : '#ff4d6d', width: 1.5 });
  return new Style({
    image: point.heldOut
      ? new RegularShape({ ...SQUARE, radius: 7.5, fill, stroke })
      : new Circle({ radius: 5.5, fill, stroke }),
  });
}

const RING = new Style({ image: new Circle({ radius: 11, stroke: new Stroke({ color: '#ffd24a', width: 3 }) }) });

const CROSS = new Style({
  image: new RegularShape({
    ...{ points: 4, radius: 5, radius2: 0, angle: Math.PI / 4 },
    stroke: new Stroke({ color: '#fffc', width: 1.6 }),
    fill: new Fill({ color: HALO }),
  }),
});

/** A line with a head at its tip, both with a dark rim. */
function arrowStyle(color: string, [x, y]: readonly [number, number], tip: readonly [number, number]): Style[] {
  const [right, up] = [tip[0] - x, tip[1] - y];
  const head = new RegularShape({
    ...{ points: 3, radius: 7, rotation: Math.atan2(right, up), rotateWithView: true },
    fill: new Fill({ color }),
    stroke: new Stroke({ color: HALO, width: 1.5 }),
  });
  return [
    new Style({ stroke: new Stroke({ color: HALO, width: 5 }) }),
    new Style({ stroke: new Stroke({ color, width: 2.5 }) }),
    new Style({ geometry: new Point([...tip]), image: head }),
  ];
}
