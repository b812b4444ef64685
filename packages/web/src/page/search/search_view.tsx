/** Search: a box in a scene of one sensor, the places of a gallery of the other that look most like it. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type Fault, faultOf } from '../fault.ts';
import { NeedsServer } from '../frame/needs_server.tsx';
import { PictureView } from '../frame/picture.tsx';
import { SceneInputs, type Sources } from '../frame/scene_inputs.tsx';
import { Select } from '../frame/select.tsx';
import { connection } from '../frame/server.ts';
import { Trouble } from '../frame/trouble.tsx';
import { useScene } from '../frame/use_scene.ts';
import { pageWorker } from '../frame/worker_client.ts';
import { unwrap } from '../worker/answer.ts';
import type { Picture } from '../worker/picture.ts';
import type { SideRule } from './box.ts';
import { type Box, BoxMap } from './box_map.tsx';
import { type Gallery, listGalleries, otherOf, type Places, searchPlaces } from './galleries.ts';
import { PlacesView } from './places_view.tsx';

/** Places that are asked for. */
const COUNTS: Record<string, string> = { 5: '5', 10: '10', 20: '20', 50: '50' };

export function SearchView() {
  const [galleries, setGalleries] = useState<readonly Gallery[]>();
  const [fault, setFault] = useState<Fault>();
  const here = connection.value;
  useEffect(() => {
    if (here.state === 'here') listGalleries().then(setGalleries, (error) => setFault(faultOf(error)));
  }, [here.state]);
  return (
    <div class="search">
      <div class="intro">
        <h1>Find a place by its picture</h1>
        <p>Draw a box in a scene of one sensor; the server looks for it in a gallery of scenes of the other.</p>
      </div>
      {here.state === 'none' && <NeedsServer what="Searching" />}
      {fault && <Trouble fault={fault} />}
      {galleries?.length === 0 && <NoGallery />}
      {galleries && galleries.length > 0 && here.state === 'here' && (
        <SearchIn galleries={galleries} rule={here.model} />
      )}
    </div>
  );
}

function NoGallery() {
  return (
    <div class="note">
      <p>This server has no gallery. Build one from optical scenes, then start the server with it:</p>
      <pre>
        <code>{'doppel gallery build SCENES --out GALLERY\ndoppel serve --gallery NAME=GALLERY'}</code>
      </pre>
    </div>
  );
}

function SearchIn({ galleries, rule }: { galleries: readonly Gallery[]; rule: SideRule }) {
  const [gallery, setGallery] = useState(galleries[0]!);
  const [count, setCount] = useState<number>(10);
  const [sources, setSources] = useState<Sources>({});
  const [box, setBox] = useState<Box>();
  const sensor = otherOf(gallery.modality);
  const chosen = useScene(sources[sensor], sensor);
  const { scene } = chosen;
  const { patch, places, fault, isBusy } = useSearch(scene?.id, gallery, box, count);
  useEffect(() => setBox(undefined), [scene]);
  return (
    <>
      <div class="row settings">
        <Select
          label="Gallery"
          values={Object.fromEntries(galleries.map(({ name, tiles }) => [name, `${name} (${tiles} places)`]))}
          value={gallery.name}
          onValue={(chosen) => setGallery(galleries.find(({ name }) => name === chosen)!)}
        />
        <Select label="Places" values={COUNTS} value={`${count}`} onValue={(each) => setCount(Number(each))} />
      </div>
      <SceneInputs sensors={[sensor]} sources={sources} chosen={{ [sensor]: chosen }} onSources={setSources} />
      {scene && <BoxMap scene={scene} rule={{ ...rule, side: gallery.side }} box={box} onBox={setBox} />}
      <div role="status" class="busy">
        {isBusy ? 'Searching …' : ''}
      </div>
      {fault && <Trouble fault={fault} />}
      {patch && places && scene && (
        <>
          <figure class="asked">
            <PictureView picture={patch} label="Patch that is searched for" />
            <figcaption>Searched for</figcaption>
          </figure>
          <PlacesView places={places} gallery={gallery} scene={scene} />
        </>
      )}
    </>
  );
}

interface Found {
  patch?: Picture;
  places?: Places;
  fault?: Fault;
  isBusy?: boolean;
}

function useSearch(scene: number | undefined, gallery: Gallery, box: Box | undefined, count: number): Found {
  const [found, setFound] = useState<Found>({});
  const key = useMemo(() => ({ scene, gallery, box, count }), [scene, gallery, box, count]);
  useEffect(() => {
    setFound({});
    if (scene === undefined || !box) return;
    let isCurrent = true;
    setFound({ isBusy: true });
    search(scene, gallery, box, count).then(
      (result) => isCurrent && setFound(result),
      (error) => isCurrent && setFound({ fault: faultOf(error) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [key]);
  return found;
}

async function search(scene: number, gallery: Gallery, { at, side }: Box, count: number): Promise<Found> {
  const { raster, picture } = await unwrap(pageWorker().cutSquare(scene, at, side));
  return { patch: picture, places: await searchPlaces(gallery, raster, count) };
}
