/** A failure in the four parts of doppel's messages: what was tried, expected, found, and the way out. */
import { type Fault, headlineOf } from '../fault.ts';

export function Trouble({ fault }: { fault: Fault }) {
  const { expected, found, remedy } = fault;
  return (
    <div class="trouble" role="alert">
      <p class="headline">{headlineOf(fault)}</p>
      {(expected || found) && (
        <dl>
          {expected && (
            <div>
              <dt>Expected</dt>
              <dd>{expected}</dd>
            </div>
          )}
          {found && (
            <div>
              <dt>Found</dt>
              <dd>{found}</dd>
            </div>
          )}
        </dl>
      )}
      {remedy && <p class="remedy">{remedy}</p>}
    </div>
  );
}
