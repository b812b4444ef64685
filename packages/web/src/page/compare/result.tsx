/** Result of a comparison: verdict, figures, correlation map, the patches as the model saw them. */
import { PictureView } from '../frame/picture.tsx';
import { HeatMap } from './heat_map.tsx';
import type { Score, Sight } from './scores.ts';

const percentOf = (value: number) => `${(100 * value).toFixed(value > 0.995 || value < 0.005 ? 1 : 0)} %`;

export function Verdict({ score }: { score: Score }) {
  const { probability, threshold, match } = score;
  return (
    <section class={`verdict ${match ? 'yes' : 'no'}`} aria-live="polite">
      <h2>{match ? 'The same place' : 'Not the same place'}</h2>
      <p>
        The model gives {percentOf(probability)} for one place; from {percentOf(threshold)} on it calls a pair a match.
      </p>
      <div class="meter" aria-hidden="true">
        <span class="fill" style={{ width: `${100 * probability}%` }} />
        <span class="tick" style={{ left: `${100 * threshold}%` }} />
      </div>
      <dl class="facts">
        <Fact name="Probability" value={probability.toFixed(4)} />
        <Fact name="Threshold" value={threshold.toFixed(4)} />
        <Fact name="Score (logit)" value={score.score.toFixed(4)} id="score" />
        <Fact name="Model" value={score.model} />
        <Fact name="Backend" value={score.backend} />
      </dl>
    </section>
  );
}

function Fact({ name, value, id }: { name: string; value: string; id?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-fact={id ?? name.toLowerCase()}>{value}</dd>
    </div>
  );
}

export function SightView({ sight }: { sight: Sight }) {
  const { correlation, seen } = sight;
  return (
    <div class="sight">
      <section aria-labelledby="map-title">
        <h2 id="map-title">Where it agrees</h2>
        {correlation ? (
          <HeatMap correlation={correlation} />
        ) : (
          <p class="soft">This model has no correlation map: it compares both patches as a whole.</p>
        )}
      </section>
      <section aria-labelledby="seen-title">
        <h2 id="seen-title">As the model saw them</h2>
        <div class="pair">
          <figure>
            <PictureView picture={seen.sar} label="SAR patch as the model saw it" />
            <figcaption>SAR</figcaption>
          </figure>
          <figure>
            <PictureView picture={seen.optical} label="Optical patch as the model saw it" />
            <figcaption>Optical</figcaption>
          </figure>
        </div>
        <p class="soft">
          Clipped and standardised as in training: black to white is 2.5 standard deviations below to above the mean.
        </p>
      </section>
    </div>
  );
}
