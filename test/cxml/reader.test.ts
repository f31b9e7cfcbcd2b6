import { DOCUMENT_BYTES_MAX, XmlError, need, parseXml } from '../../cxml/reader';
import { escapeAttribute, escapeText } from '../../cxml/writer';

const doctype = (subset: string) => `<?xml version="1.0"?><!DOCTYPE a ${subset}><a>&x;</a>`;

describe('hostile documents are refused with a reason', () => {
  test.each([
    ['a billion laughs', doctype('[<!ENTITY x "ha"><!ENTITY y "&x;&x;">]'), /internal subset/],
    ['an external entity', doctype('[<!ENTITY x SYSTEM "file:///etc/passwd">]'), /internal subset/],
    ['an entity of nobody', '<a>&x;</a>', /not well-formed/],
    ['an end too early', '<a><b></a>', /not well-formed/],
    ['two roots', '<a/><b/>', /not well-formed/],
    ['nothing', '', /not well-formed|no element/],
    ['too deep', '<a>'.repeat(70) + '</a>'.repeat(70), /nested deeper than 64/],
    ['too many elements', `<a>${'<b/>'.repeat(60_001)}</a>`, /more than 60000 elements/],
    ['too large', `<a>${'x'.repeat(DOCUMENT_BYTES_MAX)}</a>`, /at most 1048576 are taken/],
    ['control characters', '<a>\u0001</a>', /not well-formed/],
  ])('%s', (_name, document, reason) => {
    expect(() => parseXml(document)).toThrow(XmlError);
    expect(() => parseXml(document)).toThrow(reason);
  });

  test('bytes that are not UTF-8', () => {
    expect(() => parseXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]))).toThrow(/not UTF-8/);
  });
});

test('a DOCTYPE with only an id is fine, and nothing is loaded for it', () => {
  expect(parseXml('<!DOCTYPE a SYSTEM "http://192.0.2.1/none.dtd"><a x="1">t</a>')).toEqual({
    ...{ name: 'a', attributes: { x: '1' }, children: [], text: 't' },
  });
});

test('what is missing is named with its whole path', () => {
  expect(() => need(parseXml('<a><b/></a>'), 'b', 'c')).toThrow('a/b/c is missing: "b" has no "c"');
});

test('escapes survive a parser: newlines, tabs and quotes in attributes too', () => {
  const nasty = `a&b<c>"d"'e'\n\tf]]>\r`;
  const root = parseXml(`<a x="${escapeAttribute(nasty)}">${escapeText(nasty)}</a>`);
  expect(root).toMatchObject({ attributes: { x: nasty }, text: nasty });
});
