/** Places that were found: on a map, and as a list with pictures and scores. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SceneFacts } from '../worker/scene_facts.ts';
import { type FoundPlace, type Gallery, type Places, pictureAddress } from './galleries.ts';
import { PlacesMap } from './places_map.tsx';

interface PlacesViewProps {
  places: Places;
  gallery: Gallery;
  /** Scene in which the box was drawn. */
  scene: SceneFacts;
}

export function PlacesView({ places, gallery, scene }: PlacesViewProps) {
  const [chosen, setChosen] = useState<number>();
  const found = places.features.map(({ properties }) => properties);
  if (found.length === 0) return <p>No place of the gallery was found.</p>;
  return (
    <section class="card" aria-labelledby="places-title">
      <h2 id="places-title">Best places of {gallery.name}</h2>
      <p class="soft">In the order of similarity. The percentage is the probability that both show one place.</p>
      <div class="places-found">
        <PlacesMap places={places} scene={scene} chosen={chosen} onChosen={setChosen} />
        <ol>
          {found.map((place) => (
            <PlaceItem
              key={place.picture}
              place={place}
              isChosen={place.rank === chosen}
              onChoose={() => setChosen(place.rank)}
            />
          ))}
        </ol>
      </div>
    </section>
  );
}

interface PlaceItemProps {
  place: FoundPlace;
  isChosen: boolean;
  onChoose(): void;
}

function PlaceItem({ place, isChosen, onChoose }: PlaceItemProps) {
  const { rank, score, probability, scene, window, picture } = place;
  const item = useRef<HTMLLIElement>(null);
  const address = usePicture(picture);
  useEffect(() => {
    if (isChosen) item.current?.scrollIntoView({ block: 'nearest' });
  }, [isChosen]);
  return (
    <li ref={item} class={isChosen ? 'chosen' : ''}>
      <button type="button" class="quiet" aria-pressed={isChosen} onClick={onChoose}>
        {address ? <img src={address} alt={`Place ${rank} of the gallery`} /> : <span class="waiting" />}
        <span>
          <strong>
            {rank}. {(100 * probability).toFixed(probability > 0.995 ? 1 : 0)} %
          </strong>
          <span class="soft">
            score {score.toFixed(2).replace('-', '−')} · {scene}, column {window.x}, row {window.y}
          </span>
        </span>
      </button>
    </li>
  );
}

/** Address of a picture, when it has come; undefined before, and if it does not come. */
function usePicture(path: string): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    let made: string | undefined;
    let isCurrent = true;
    pictureAddress(path).then(
      (blob) => {
        made = blob;
        if (isCurrent) setAddress(blob);
      },
      () => {}, // the scores are there without it
    );
    return () => {
      isCurrent = false;
      if (made) URL.revokeObjectURL(made);
    };
  }, [path]);
  return address;
}
