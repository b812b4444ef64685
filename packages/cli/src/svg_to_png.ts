/** Plots as PNG, for places that show no SVG: drawn by resvg on white, twice as sharp as their nominal size. */
import { Resvg } from '@resvg/resvg-js';

export function svgToPng(svg: string, scale = 2): Uint8Array {
  const font = { loadSystemFonts: true, defaultFontFamily: 'DejaVu Sans' };
  return new Resvg(svg, { background: '#ffffff', fitTo: { mode: 'zoom', value: scale }, font }).render().asPng();
}

let fontsFound: boolean | undefined;

/** True if `svgToPng` can draw text: a slim container may have no font at all. */
export function hasFonts(): boolean {
  fontsFound ??= new Resvg('<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><text y="16">M</text></svg>')
    .render()
    .pixels.some((value) => value > 0);
  return fontsFound;
}
