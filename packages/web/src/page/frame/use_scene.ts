/** A scene that the reader chose, opened in the worker; an older one is closed. */
import { useEffect, useState } from 'preact/hooks';
import { type Fault, faultOf, type Sensor } from '../fault.ts';
import { unwrap } from '../worker/answer.ts';
import type { SceneFacts } from '../worker/scene_facts.ts';
import type { SceneSource } from '../worker/scenes.ts';
import { storedKey } from './key.ts';
import { pageWorker } from './worker_client.ts';

export interface ChosenScene {
  scene?: SceneFacts | undefined;
  fault?: Fault | undefined;
  isOpening: boolean;
}

export function useScene(source: SceneSource | undefined, sensor?: Sensor): ChosenScene {
  const [chosen, setChosen] = useState<ChosenScene>({ isOpening: false });
  useEffect(() => {
    setChosen({ isOpening: source !== undefined });
    if (!source) return;
    let isCurrent = true;
    const opening = unwrap(pageWorker().openScene(withKey(source), sensor));
    opening.then(
      (scene) => isCurrent && setChosen({ scene, isOpening: false }),
      (error) => isCurrent && setChosen({ fault: faultOf(error, sensor), isOpening: false }),
    );
    return () => {
      isCurrent = false;
      opening.then(({ id }) => pageWorker().closeScene(id)).catch(() => {}); // one that did not open is not to be closed
    };
  }, [source]);
  return chosen;
}

function withKey(source: SceneSource): SceneSource {
  const key = storedKey();
  return source.url === undefined || key === null ? source : { ...source, authorization: `Bearer ${key}` };
}

export const factsText = ({ width, height, bands, crs, metres }: SceneFacts): string => {
  const system = crs.length > 24 ? 'its own reference system' : crs;
  return `${width} × ${height} pixels of ${metres.toPrecision(3)} m, ${bands} band${bands === 1 ? '' : 's'}, ${system}`;
};
