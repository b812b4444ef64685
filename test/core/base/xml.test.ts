import { expect, it } from 'vitest';
import { parseXml } from '../../../packages/core/src/base/xml.ts';

it('reads elements, attributes and text, without comments and declarations', () => {
  const root = parseXml(
    `\ufeff<?xml version="1.0"?><!DOCTYPE a><a b='1' c = "x&amp;y"><!-- <d/> --><d> 1 &lt; &#x32; </d><e/></a>`,
  );
  expect(root).toEqual({
    name: 'a',
    attributes: { b: '1', c: 'x&y' },
    text: '',
    children: [
      { name: 'd', attributes: {}, text: '1 < 2', children: [] },
      { name: 'e', attributes: {}, text: '', children: [] },
    ],
  });
});

it.each(['', 'text', '<a>', '<a></b>', '</a>', '<a><b></a></b>', '<a'])('%j is no XML', (text) => {
  expect(parseXml(text)).toBeUndefined();
});

it.each([
  '<a '.repeat(50_000),
  '<!--'.repeat(50_000),
  '<a b="'.repeat(50_000),
  `<a${' '.repeat(200_000)}`,
  '<?'.repeat(50_000),
  '<![CDATA['.repeat(50_000),
])('is done at once with %.8s…', (text) => {
  const start = performance.now();
  parseXml(text);
  expect(performance.now() - start).toBeLessThan(500);
});
