/**
 * SVG as strings: no DOM, so that plots are drawn the same in Node, Deno, a browser and an edge runtime. Colours stand
 * in attributes, chosen to be legible on white and on dark paper; each element also has a class, so that a page may set
 * finer ones by CSS.
 */

export type Attributes = Record<string, string | number | undefined>;

/** Colours that remain distinct with any kind of colour vision, on a light and on a dark background. */
export const INK = {
  text: '#6e7781',
  axis: '#8b949e',
  grid: '#8b949e',
  match: '#2f81c7',
  noMatch: '#d9631e',
  series: ['#2f81c7', '#d9631e', '#1a9e77', '#a163c9', '#b58900', '#c6508f'],
} as const;

export const FONT = "Inter, system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";

/** An element; attributes that are undefined are left out, numbers are rounded to a hundredth of a pixel. */
export function element(tag: string, attributes: Attributes, ...children: string[]): string {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? coordinate(value) : escapeText(value as string)}"`)
    .join('');
  return children.length === 0 ? `<${tag}${list}/>` : `<${tag}${list}>${children.join('')}</${tag}>`;
}

export function text(content: string, attributes: Attributes): string {
  return element('text', { class: 'text', fill: INK.text, 'font-size': 12, ...attributes }, escapeText(content));
}

/** Text or an attribute's value, safe inside SVG and HTML. */
export function escapeText(raw: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return raw.replace(/[&<>"']/g, (character) => names[character] as string);
}

export function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Approximate width of a text in pixels: enough to lay out a legend without measuring fonts. */
export function textWidth(content: string, fontSize = 12): number {
  return content.length * fontSize * 0.56;
}
