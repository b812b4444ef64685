import { beforeAll, describe, expect, test } from 'vitest';
import type { RegistrationReport } from '../../packages/core/src/registration/register_pair.ts';
import { REASONS } from '../../packages/core/src/registration/registration.ts';
import { arrowMap } from '../../packages/report/src/registration/arrow_map.ts';
import { limitsOf } from '../../packages/report/src/registration/limits.ts';
import { mapFrame } from '../../packages/report/src/registration/map_frame.ts';
import { registrationHtml } from '../../packages/report/src/registration/report.ts';
import { madeRegistration, madeView, SIDE } from './registration_fixture.ts';

const WHOLE = { column: 0, row: 0, width: SIDE, height: SIDE };
const DETAIL = { column: 128, row: 192, width: 96, height: 96 };

function reportOf(registration = madeRegistration()): RegistrationReport {
  const isCorrected = registration.correction !== undefined;
  return {
    registration,
    views: [madeView('The whole scene', WHOLE, isCorrected), madeView('Detail 1', DETAIL, isCorrected)],
    settings: ['--radius 64px'],
    files: { 'Tie points': 'tie_points.geojson', Correction: 'transform.json' },
    run: { backend: 'cpu', date: new Date('2026-11-23T12:00:00Z'), version: '0.1.0' },
  };
}

let html: string;
beforeAll(() => {
  html = registrationHtml(reportOf());
});
const words = (page: string) => page.replaceAll(/url\([^)]*\)/g, '');

describe('the report of a registration', () => {
  test('says whether to trust it, how good it is, and what was tested', () => {
    for (const text of [
      'Trusted. At 9 points that no fit has seen, 90 % of the corrected optical scene lies within 8.7 m (0.87 px)',
      'georeferences it was 93.0 m.',
      'scenes/sar.tif',
      's1s2-10m',
      '64 px (640 m)',
      '7.3, −4.60 px; 7 of 9 windows agree',
      '--radius 64px',
      '2026-11-23 12:00 UTC',
      'transform.json',
    ]) {
      expect(html).toContain(text);
    }
  });

  test('gives every reason with its count and its meaning', () => {
    const { points } = madeRegistration();
    for (const reason of REASONS) {
      const own = points.filter((point) => point.reason === reason).length;
      expect(own).toBeGreaterThan(0);
      expect(html).toContain(`<th scope="row">${reason}</th><td class="number">${own}</td>`);
    }
  });

  test('marks the chosen model, and figures before and after with intervals', () => {
    expect(html).toContain('<strong>similarity, chosen</strong>');
    expect(html).toContain('too few points');
    expect(html).toContain(
      '<th scope="row">CE90</th><td class="number">93.0 m</td><td class="number">8.7 m</td>' +
        '<td class="number">6.5 to 10.8 m</td><td class="number">0.87 px</td>',
    );
  });

  test('lists the checks of the verdict', () => {
    expect(html).toContain(
      '<th scope="row">spread of agreeing points</th><td class="number">0.2</td><td class="number">at least 0.35</td><td><strong>failed</strong></td>',
    );
    expect(html).toContain('<td class="number">∞</td><td class="number">at most 5</td>');
  });

  test('holds each picture once, and asks for nothing from outside', () => {
    expect(html.match(/url\("data:image\/png;base64,/g)).toHaveLength(6);
    expect(words(html)).not.toMatch(/<link|@import|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    expect(html.match(/url\((?!"data:)/g)).toBeNull();
    expect(html.match(/(?:src|href)=/g)).toBeNull();
  });

  test('names its pictures and heads its tables', () => {
    expect(html.match(/role="img" aria-label="[^"]+"/g)).toHaveLength(html.match(/role="img"/g)!.length);
    expect(html.match(/<caption>/g)).toHaveLength(html.match(/<table>/g)!.length);
    expect(html).toContain('<html lang="en">');
    expect(html).toContain('<legend>Show</legend>');
  });

  test('escapes what comes from files, and shows no undefined number', () => {
    expect(html).toContain('scenes/&lt;optical&gt;.tif');
    expect(html).not.toContain('<optical>');
    expect(words(html)).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('tells caveats at the verdict, and points that were not checked backwards', () => {
    const made = madeRegistration({ caveats: ['no held-out check'] });
    const points = made.points.map((point) => ({ ...point, backward: point.id === 1 ? undefined : point.backward }));
    const page = registrationHtml(reportOf({ ...made, points }));
    expect(page.indexOf('no held-out check.')).toBeLessThan(page.indexOf('</header>'));
    expect(page).not.toContain('>passes every check<');
    expect(page).toContain('1 of 42 tie points could not be checked by matching back');
  });

  test('of a refused pair says why, and shows no correction', () => {
    const { points: before } = madeRegistration();
    const points = before.map((point) => ({ ...point, reason: 'weak' as const, heldOut: false, residual: undefined }));
    const { correction: _, quality: __, matrix: ___, ...rest } = madeRegistration();
    const page = registrationHtml(
      reportOf({
        ...rest,
        points,
        ladder: [],
        tests: [],
        coarse: undefined,
        status: 'refused',
        reason: 'no coarse agreement',
      }),
    );
    expect(page).toContain('Refused: no coarse agreement. No aligned scene was written');
    expect(page).toContain('Too few tie points to fit a model.');
    expect(page).not.toContain('After the correction');
    expect(page.match(/url\("data:/g)).toHaveLength(4);
    expect(words(page)).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('the map of arrows', () => {
  const registration = madeRegistration();

  test('places ground in its window', () => {
    const { place, unit, height } = mapFrame(registration.grid, { column: 128, row: 64, width: 256, height: 128 });
    expect(unit).toBeCloseTo(1000 / 256, 9);
    expect(height).toBe(500);
    expect(place([400_000 + 1280, 3_800_000 - 640])).toEqual([0, 0]);
    expect(place([400_000 + 3840, 3_800_000 - 1920])).toEqual([1000, 500]);
  });

  test('draws an arrow for each point of the result, a cross for the others', () => {
    const { svg, factor } = arrowMap(registration, WHOLE, { pick: ({ offset }) => offset, description: 'offsets' });
    const shown = registration.points.filter(({ reason }) => reason === 'used' || reason === 'off the model').length;
    expect(svg.match(/class="arrow"/g)).toHaveLength(shown);
    expect(svg.match(/class="cross"/g)).toHaveLength(registration.points.length - shown);
    expect(factor).toBe(5);
    expect(svg).toContain('weak');
  });

  test('keeps its factor where nothing is left to draw', () => {
    const zero = { column: 0, row: 0 };
    expect(arrowMap(registration, WHOLE, { pick: () => zero, description: 'none' }).factor).toBe(1);
    expect(arrowMap(registration, WHOLE, { pick: () => undefined, description: 'none' }).svg).not.toContain('NaN');
  });
});

describe('limits', () => {
  test('name few cells, and quarters without any', () => {
    const { points: all } = madeRegistration();
    const points = all.map((point) =>
      point.cell.column < 6 ? { ...point, reason: 'flat' as const, heldOut: false } : point,
    );
    const limits = limitsOf(madeRegistration({ points })).join('\n');
    expect(limits).toMatch(/Only \d+ of 64 cells/);
    expect(limits).toContain('No tie point lies in the north-west, south-west of the scene.');
  });

  test('say that no matcher voted', () => {
    expect(limitsOf(madeRegistration({ features: 'gradients' })).join()).toContain('Only oriented gradients');
    expect(limitsOf(madeRegistration()).join()).not.toContain('gradients');
  });
});
