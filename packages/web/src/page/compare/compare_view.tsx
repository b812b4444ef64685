/** Compare: two patches, or a place in two scenes. */
import { useEffect, useState } from 'preact/hooks';
import type { Fault, Sensor } from '../fault.ts';
import { faultOf } from '../fault.ts';
import { Choice } from '../frame/choice.tsx';
import { connection } from '../frame/server.ts';
import { Trouble } from '../frame/trouble.tsx';
import { PatchInputs } from './patch_inputs.tsx';
import { PlaceInputs } from './place_inputs.tsx';
import { SightView, Verdict } from './result.tsx';
import { type Pair, type Place, type Score, type Sight, scoreOf, sightOf } from './scores.ts';

interface Outcome {
  score?: Score;
  sight?: Sight;
  fault?: Fault;
}

const WHATS = { patches: 'two patches', places: 'a place in two scenes' } as const;
type What = keyof typeof WHATS;
const PLACES = { server: 'on the server', browser: 'in this browser' } as const;

export function CompareView() {
  const [pair, setPair] = useState<Pair>();
  const [what, setWhat] = useState<What>('patches');
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
        <h1>Do they show the same place?</h1>
        <p>A SAR and an optical patch of the same size, at about 10 m a pixel: as files, or cut where you click.</p>
      </div>
      <Choice legend="Compare" values={WHATS} value={what} onValue={(next) => setWhat(next)} />
      {what === 'patches' ? <PatchInputs faults={fileFaults} onPair={setPair} /> : <PlaceInputs onPair={setPair} />}
      {hasServer && <Choice legend="Score" values={PLACES} value={place} onValue={(next) => setChosen(next)} />}
      <div role="status" class="busy">
        {isBusy ? 'Comparing …' : ''}
      </div>
      {outcome.fault && (what === 'places' || !outcome.fault.file) && <Trouble fault={outcome.fault} />}
      {outcome.score && <Verdict score={outcome.score} />}
      {outcome.sight && <SightView sight={outcome.sight} />}
    </div>
  );
}

const fileFaultsOf = (fault: Fault | undefined): Partial<Record<Sensor, Fault>> =>
  fault?.file ? { [fault.file]: fault } : {};

async function compare(pair: Pair, place: Place, onPart: (part: Outcome) => void): Promise<void> {
  try {
    const score = await scoreOf(pair, place);
    onPart({ score });
    onPart({ sight: await sightOf(pair, place, score) });
  } catch (error) {
    onPart({ fault: faultOf(error) });
  }
}
