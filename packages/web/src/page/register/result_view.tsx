/** Result of a registration: the verdict in words, both scenes on each other with the tie points, figures, downloads. */
import type { Registration } from '@doppel/core/registration';
import { limitsOf, verdictText } from '@doppel/report';
import type { Projection } from 'ol/proj.js';
import { useEffect, useState } from 'preact/hooks';
import { type Fault, faultOf } from '../fault.ts';
import { addressOf } from '../frame/examples.ts';
import { callJson } from '../frame/server.ts';
import { Trouble } from '../frame/trouble.tsx';
import { projectionByName } from '../map/projections.ts';
import { Downloads } from './downloads.tsx';
import type { Job } from './job.ts';
import { QualityTable } from './quality_table.tsx';
import { ResultMap } from './result_map.tsx';

interface Loaded {
  registration: Registration;
  projection: Projection;
}

const hrefOf = ({ files }: Job, name: RegExp) => files?.find((file) => name.test(file.name))?.href;

async function load(job: Job): Promise<Loaded> {
  const registration = await callJson<Registration>(hrefOf(job, /^registration\.json$/)!);
  return { registration, projection: await projectionByName(registration.grid.crs) };
}

export function ResultView({ job }: { job: Job }) {
  const [loaded, setLoaded] = useState<Loaded>();
  const [fault, setFault] = useState<Fault>();
  useEffect(() => {
    load(job).then(setLoaded, (error) => setFault(faultOf(error)));
  }, [job.id]);
  if (fault) return <Trouble fault={fault} />;
  if (!loaded) return <p role="status">Reading the result …</p>;
  const { registration, projection } = loaded;
  const source = (name: 'sar' | 'optical') => ({
    name: job.inputs[name].name,
    url: addressOf(`${job.links.self}/files/${name}.tif`),
  });
  const aligned = (['optical', 'sar'] as const).flatMap((side) => {
    const href = hrefOf(job, new RegExp(`^aligned_${side}\\.tif$`));
    return href === undefined ? [] : [{ side, source: { name: `aligned_${side}.tif`, url: addressOf(href) } }];
  })[0];
  return (
    <div class="result">
      <Words registration={registration} />
      <ResultMap
        registration={registration}
        projection={projection}
        sar={source('sar')}
        optical={source('optical')}
        aligned={aligned}
      />
      <QualityTable registration={registration} />
      <Downloads files={job.files ?? []} />
    </div>
  );
}

function Words({ registration }: { registration: Registration }) {
  const { status, caveats = [] } = registration;
  const kept = [
    ...caveats.map((caveat) => `${caveat[0]?.toUpperCase()}${caveat.slice(1)}.`),
    ...limitsOf(registration),
  ];
  return (
    <section class={`verdict ${status === 'trusted' ? 'yes' : 'no'}`}>
      <h2>{status === 'trusted' ? 'Trusted' : 'Refused'}</h2>
      <p>{verdictText(registration).replace(/^(Trusted|Refused)[.:] /, '')}</p>
      {kept.length > 0 && (
        <>
          <h3>To keep in mind</h3>
          <ul>
            {kept.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
