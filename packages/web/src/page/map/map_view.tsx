/** A map of OpenLayers as a component: it follows its layers, its projection and what is to be seen. */
import { defaults as defaultControls } from 'ol/control/defaults.js';
import ScaleLine from 'ol/control/ScaleLine.js';
import type { Coordinate } from 'ol/coordinate.js';
import type { Extent } from 'ol/extent.js';
import type BaseLayer from 'ol/layer/Base.js';
import OlMap from 'ol/Map.js';
import type { Projection } from 'ol/proj.js';
import View from 'ol/View.js';
import { useEffect, useMemo, useRef } from 'preact/hooks';

interface MapViewProps {
  label: string;
  /** Maps with one view move together. */
  view: View;
  /** Ground that is shown at first, and when it changes. */
  extent: Extent;
  /** Pixels around that ground. */
  padding?: number;
  layers: readonly BaseLayer[];
  class?: string | undefined;
  onClick?: ((at: Coordinate) => void) | undefined;
  /** Called with the map when it is there. */
  onMap?: ((map: OlMap) => undefined | (() => void)) | undefined;
}

/** View of a reference system. */
export const useView = (projection: Projection): View =>
  useMemo(() => new View({ projection, showFullExtent: true }), [projection]);

export function MapView({ label, view, extent, padding = 8, layers, class: more = '', onClick, onMap }: MapViewProps) {
  const target = useRef<HTMLDivElement>(null);
  const map = useRef<OlMap>();
  const clicked = useRef(onClick);
  clicked.current = onClick;

  useEffect(() => {
    const made = new OlMap({
      target: target.current!,
      controls: defaultControls({ rotate: false, attribution: false }).extend([new ScaleLine()]),
    });
    made.on('singleclick', ({ coordinate }) => clicked.current?.(coordinate));
    map.current = made;
    const watch = new ResizeObserver(() => made.updateSize());
    watch.observe(target.current!);
    const done = onMap?.(made);
    return () => {
      done?.();
      watch.disconnect();
      made.setTarget(undefined);
    };
  }, []);

  useEffect(() => {
    map.current!.setView(view);
  }, [view]);

  useEffect(() => {
    map.current!.updateSize();
    map.current!.getView().fit(extent, { padding: Array(4).fill(padding) });
  }, [view, ...extent]);

  useEffect(() => {
    map.current!.setLayers([...layers]);
  }, [layers]);

  // biome-ignore lint/a11y/noNoninteractiveTabindex: OpenLayers moves and zooms the focused map by keys
  return <div ref={target} class={`map ${more}`} role="application" aria-label={label} tabIndex={0} />;
}
