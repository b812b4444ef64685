/**
 * Both scenes on each other, before and after the correction side by side: as a checkerboard, with an edge that the reader
 * moves, or one scene alone. One set of controls moves all views; without scripts the checkerboard stays.
 */
import type { Raster } from '@doppel/core/raster';
import { dataUri, pictureOf } from '../pictures/picture.ts';
import { escapeText } from '../plots/svg.ts';
import type { GridWindow } from './map_frame.ts';

/** The same ground from both files. */
export interface SceneView {
  readonly heading: string;
  readonly window: GridWindow;
  readonly sar: Raster;
  /** The optical scene where its own georeference puts it. */
  readonly before: Raster;
  /** The optical scene corrected; absent where there is no correction. */
  readonly after?: Raster | undefined;
}

const MODES = [
  ['board', 'Checkerboard'],
  ['swipe', 'Swipe'],
  ['sar', 'SAR'],
  ['optical', 'Optical'],
] as const;

/** Style sheet of the views, with each picture once. */
export function viewStyle(views: readonly SceneView[]): string {
  const pictures = views.map(({ sar, before, after }, i) => {
    const url = (raster: Raster) => `url("${dataUri(pictureOf(raster))}")`;
    const moved = after ? `--after:${url(after)};` : '';
    return `.view-${i}{--sar:${url(sar)};--before:${url(before)};${moved}}`;
  });
  return STYLE + pictures.join('\n');
}

export function sceneViews(views: readonly SceneView[]): string {
  return `<div class="views" style="--edge:50%">${controls()}${views.map(viewHtml).join('')}</div><script>${SCRIPT}</script>`;
}

function controls(): string {
  const modes = MODES.map(
    ([value, label], i) =>
      `<label><input type="radio" name="view" value="${value}"${i === 0 ? ' checked' : ''}> ${label}</label>`,
  );
  return (
    `<form class="controls" aria-label="View of the scenes"><fieldset><legend>Show</legend>${modes.join('')}</fieldset>` +
    '<label class="edge">Edge <input type="range" min="0" max="100" value="50" aria-label="Position of the edge between SAR and optical, per cent"></label></form>'
  );
}

function viewHtml({ heading, window, after }: SceneView, i: number): string {
  const stages = [stage('before', heading, window), ...(after ? [stage('after', heading, window)] : [])];
  return `<h3>${escapeText(heading)}</h3><div class="stages view-${i}" style="--board:${i === 0 ? 25 : 50}%">${stages.join('')}</div>`;
}

function stage(state: 'before' | 'after', heading: string, { width, height }: GridWindow): string {
  const label = `${heading}: SAR with the optical scene ${state} the correction`;
  return (
    `<figure><div class="stage" style="aspect-ratio:${width}/${height}" role="img" aria-label="${escapeText(label)}">` +
    `<div class="layer" style="background-image:var(--sar)"></div><div class="layer optical" style="background-image:var(--${state})"></div></div>` +
    `<figcaption>${state === 'before' ? 'Before: the files’ own georeferences' : 'After the correction'}</figcaption></figure>`
  );
}

const SCRIPT = `
for (const views of document.querySelectorAll('.views')) {
  const edge = views.querySelector('input[type=range]');
  const move = (percent) => { edge.value = percent; views.style.setProperty('--edge', edge.value + '%'); };
  edge.addEventListener('input', () => { views.querySelector('[value=swipe]').checked = true; move(edge.value); });
  views.addEventListener('pointermove', (event) => {
    const stage = event.target.closest('.stage');
    if (!stage || !views.querySelector('[value=swipe]').checked) return;
    const { left, width } = stage.getBoundingClientRect();
    move(100 * (event.clientX - left) / width);
  });
}
`;

const STYLE = `
.controls { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: center; margin: 0 0 1em; }
.controls fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 6px 16px; }
.controls legend { float: left; padding: 0; margin-right: 16px; color: var(--soft); }
.controls .edge { display: flex; gap: 8px; align-items: center; }
.controls .edge input { width: 180px; accent-color: var(--match); }
.stages { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 16px; margin: 0 0 1.6em; }
.stages figure, .maps figure { margin: 0; break-inside: avoid; }
.stage, .map { position: relative; overflow: hidden; border-radius: 6px; background: #0003; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.layer, .map > div { position: absolute; inset: 0; background-size: 100% 100%; }
.map > div { filter: brightness(.8); }
.views .optical { -webkit-mask: repeating-conic-gradient(#000 0 25%, #0000 0 50%) 0 0 / var(--board) var(--board); mask: repeating-conic-gradient(#000 0 25%, #0000 0 50%) 0 0 / var(--board) var(--board); }
.views:has([value=swipe]:checked) .optical { -webkit-mask: none; mask: none; clip-path: inset(0 0 0 var(--edge)); }
.views:has([value=swipe]:checked) .stage::after { content: ''; position: absolute; inset: 0 auto 0 var(--edge); border-left: 2px solid #fff; box-shadow: 0 0 3px #000; }
.views:has([value=swipe]:checked) .stage { cursor: ew-resize; }
.views:has([value=sar]:checked) .optical { display: none; }
.views:has([value=optical]:checked) .optical { -webkit-mask: none; mask: none; }
.maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 20px; margin-bottom: 20px; }
.map .arrows { position: relative; display: block; width: 100%; height: auto; }
.key { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border: 1px solid #000a; vertical-align: -.05em; }
.key.round { border-radius: 50%; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 0 0 1em; padding: 0; font-size: .875rem; color: var(--soft); }
.headlines .value { font-size: 1.5rem; }
.verdict { border-left: 6px solid var(--match); padding-left: 14px; }
.verdict.refused { border-color: var(--wrong); }
@media print { .controls { display: none; } }
`;
