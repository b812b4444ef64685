/** Errors at held-out points, before and after the correction, with their 90 % intervals; and the ladder of models. */
import type { Quality, QualityFigures, Registration } from '@doppel/core/registration';

const ROWS: readonly [name: keyof QualityFigures, text: string][] = [
  ['ce90', 'Radius that holds 90 % of the points (CE90)'],
  ['rmseX', 'Root mean square error, x'],
  ['rmseY', 'Root mean square error, y'],
  ['biasX', 'Mean offset, x'],
  ['biasY', 'Mean offset, y'],
];

const metres = (value: number) => value.toFixed(1).replace('-', '−');

export function QualityTable({ registration }: { registration: Registration }) {
  const { quality, ladder } = registration;
  if (!quality) return null;
  const chosen = ladder.find((rung) => rung.chosen)?.kind;
  return (
    <section class="card" aria-labelledby="quality-title">
      <h2 id="quality-title">How good it is</h2>
      <p class="soft">
        Metres at {quality.heldOut} points that no fit has seen{chosen ? `; correction: ${chosen}` : ''}.
      </p>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Figure</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
              <th scope="col">90 % interval</th>
            </tr>
          </thead>
          <tbody>
            {ROWS.map(([name, text]) => (
              <tr key={name}>
                <th scope="row">{text}</th>
                <td>{metres(quality.before[name])}</td>
                <td>{metres(quality[name])}</td>
                <td>{intervalText(quality, name)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const intervalText = ({ intervals }: Quality, name: keyof QualityFigures) => intervals[name].map(metres).join(' to ');
