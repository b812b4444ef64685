/**
 * Reads XML as programs write it beside images: elements with their attributes and text. Comments and declarations are
 * passed over; types and namespaces are not looked at.
 */

export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  /** Text directly inside, without blanks around it. */
  text: string;
}

// Each pattern ends at the next "<" or takes all that is left, so that no text is searched twice.
const COMMENT = /<!--.*?(?:-->|$)|<[?!](?!\[CDATA\[)[^<>]*>/gs;
const TOKEN =
  /<!\[CDATA\[(.*?)(?:\]\]>|$)|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/gs;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** The outermost element; undefined if elements do not close in order. */
export function parseXml(xml: string): XmlElement | undefined {
  const top = elementOf('', '');
  const open = [top];
  for (const [, raw, slash, name, attributes = '', isEmpty, text] of xml.replace(COMMENT, '').matchAll(TOKEN)) {
    const inner = open.at(-1)!;
    if (name === undefined) inner.text += raw ?? unescaped(text!);
    else if (slash === '/') {
      if (open.length < 2 || inner.name !== name) return undefined;
      inner.text = inner.text.trim();
      open.pop();
    } else {
      const element = elementOf(name, attributes);
      inner.children.push(element);
      if (isEmpty === '') open.push(element);
    }
  }
  return open.length === 1 ? top.children[0] : undefined;
}

/** Text of the first child of a name; undefined if there is none. */
export const childText = (element: XmlElement, name: string): string | undefined => childOf(element, name)?.text;

export const childOf = (element: XmlElement, name: string): XmlElement | undefined =>
  element.children.find((child) => child.name === name);

function elementOf(name: string, attributes: string): XmlElement {
  const pairs = [...attributes.matchAll(ATTRIBUTE)].map(([, key, double, single]) => [
    key!,
    unescaped(double ?? single!),
  ]);
  return { name, attributes: Object.fromEntries(pairs), children: [], text: '' };
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

export function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(lt|gt|quot|apos|amp));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()]!;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Text that is safe in XML. */
export const escaped = (text: string) =>
  text.replace(/[<>&"]/g, (each) => `&${{ '<': 'lt', '>': 'gt', '&': 'amp', '"': 'quot' }[each]};`);
