/** Compare: two patches, or a place in two scenes. */
import { useEffect, useState } from 'preact/hooks';
import type { Fault, Sensor } from '../fault.ts';
import { faultOf } from '../fault.ts';
import { connection } from '../frame/server.ts';
import { Trouble } from '../frame/trouble.tsx';
import type { DroppedPair } from '../worker.ts';
import { PatchInputs } from './patch_inputs.tsx';
import { SightView, Verdict } from './result.tsx';
import { type Place, type Score, type Sight, scoreOf, sightOf } from './scores.ts';

interface Outcome {
  score?: Score;
  sight?: Sight;
  fault?: Fault;
}

export function CompareView() {
  const [pair, setPair] = useState<DroppedPair>();
  const [chosen, setChosen] = useState<Place>();
  const [outcome, setOutcome] = useState<Outcome>({});
  const [isBusy, setBusy] = useState(false);
  const hasServer = connection.value.state === 'here';
  const place = hasServer ? (chosen ?? 'server') : 'browser';

  useEffect(() => {
    setOutcome({});
    if (!pair || connection.value.state === 'looking') return;
    let isCurrent = true;
    setBusy(true);
    compare(pair, place, (part) => isCurrent && setOutcome((before) => ({ ...before, ...part }))).finally(() => {
      if (isCurrent) setBusy(false);
    });
    return () => {
      isCurrent = false;
      setBusy(false);
    };
  }, [pair, place, connection.value.state]);

  const fileFaults = fileFaultsOf(outcome.fault);
  return (
    <div class="compare">
      <div class="intro">
        <h1>Do two patches show the same place?</h1>
        <p>One from radar, one from an optical sensor, on the same ground at about 10 m a pixel.</p>
      </div>
      <PatchInputs faults={fileFaults} onPair={setPair} />
      {hasServer && (
        <fieldset class="choice">
          <legend>Score</legend>
          {(['server', 'browser'] as const).map((each) => (
            <label key={each}>
              <input type="radio" name="place" checked={place === each} onChange={() => setChosen(each)} />
              {each === 'server' ? 'on the server' : 'in this browser'}
            </label>
          ))}
        </fieldset>
      )}
      <div role="status" class="busy">
        {isBusy ? 'Comparing …' : ''}
      </div>
      {outcome.fault && !outcome.fault.file && <Trouble fault={outcome.fault} />}
      {outcome.score && <Verdict score={outcome.score} />}
      {outcome.sight && <SightView sight={outcome.sight} />}
    </div>
  );
}

const fileFaultsOf = (fault: Fault | undefined): Partial<Record<Sensor, Fault>> =>
  fault?.file ? { [fault.file]: fault } : {};

async function compare(pair: DroppedPair, place: Place, onPart: (part: Outcome) => void): Promise<void> {
  try {
    onPart({ score: await scoreOf(pair, place) });
    onPart({ sight: await sightOf(pair) });
  } catch (error) {
    onPart({ fault: faultOf(error) });
  }
}
