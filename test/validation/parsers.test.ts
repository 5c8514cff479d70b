import { describe, expect, it } from 'vitest';
import { parseBody } from '../../src/validation/parsers.ts';

const parse = (type: string, body: string) =>
  parseBody(
    new Request('http://localhost/', { method: 'POST', headers: { 'Content-Type': type }, body }),
  );

const HEADER = 'Content-Disposition: form-data; name="a"';

describe('a multipart form', () => {
  // The expected fields are those that Django 3.2 with DRF 3.14 read.
  it.each([
    ['text', `--b\r\n${HEADER}\r\n\r\nv\r\n--b--\r\n`, { a: 'v' }],
    ['line breaks and spaces', `--b\r\n${HEADER}\r\n\r\n v \r\n\r\n--b--`, { a: ' v \r\n' }],
    ['a name without quotes', '--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv', { a: 'v' }],
    ['a name in spaces', '--b\r\nContent-Disposition: x;  name=" a "\r\n\r\nv', { a: 'v' }],
    ['upper case', '--b\r\nCONTENT-DISPOSITION: form-data; NAME="a"\r\n\r\nv', { a: 'v' }],
    ['more header lines', `--b\r\nX: y\r\n${HEADER}\r\nContent-Type: z\r\n\r\nv`, { a: 'v' }],
    [
      'two fields of one name',
      `--b\r\n${HEADER}\r\n\r\n1\r\n--b\r\n${HEADER}\r\n\r\n2\r\n--b--`,
      { a: '2' },
    ],
    ['no last boundary', `--b\r\n${HEADER}\r\n\r\nv`, { a: 'v' }],
    ['an empty name of a file', `--b\r\n${HEADER}; filename=""\r\n\r\nv\r\n--b--`, { a: 'v' }],
    ['text before the first boundary', `text\r\n--b\r\n${HEADER}\r\n\r\nv\r\n--b--`, { a: 'v' }],
    ['almost a boundary', `--b\r\n${HEADER}\r\n\r\n--a\r\nb--\r\n--b--`, { a: '--a\r\nb--' }],
    ['a part without a name', '--b\r\nContent-Disposition: form-data\r\n\r\nv\r\n--b--', {}],
    ['a part without a header', '--b\r\n\r\nv\r\n--b--', {}],
    ['a long header', `--b\r\nX: ${'y'.repeat(1100)}\r\n${HEADER}\r\n\r\nv\r\n--b--`, {}],
    ['lines that end in LF', '--b\nContent-Disposition: form-data; name="a"\n\nv\n--b--', {}],
    ['no boundary', 'v', {}],
    ['only a boundary', '--b--', {}],
  ])('is read with %s', async (_, body, value) => {
    expect(await parse('multipart/form-data; boundary=b', body)).toEqual({ ok: true, value });
  });

  it.each(['; boundary="b"', ';Boundary=b', '; charset=utf-8; boundary=b', '; boundary= b; x=y'])(
    'is read with the boundary of %s',
    async (parameter) => {
      const body = `--b\r\n${HEADER}\r\n\r\nv\r\n--b--`;
      expect(await parse(`multipart/form-data${parameter}`, body)).toMatchObject({
        value: { a: 'v' },
      });
    },
  );

  it('returns files as blobs', async () => {
    const body = `--b\r\n${HEADER}; filename="f"\r\n\r\nv\r\n--b--`;
    expect(await parse('multipart/form-data; boundary=b', body)).toMatchObject({
      value: { a: expect.any(Blob) },
    });
  });
});

describe('a form', () => {
  it.each([
    ['a=1&b=2&a=3', { a: '3', b: '2' }],
    ['a=%20+%2B&b', { a: '  +', b: '' }],
    ['a=%ff&b=%u&=c', { a: '\ufffd', b: '%u', '': 'c' }],
    ['?a=1', { '?a': '1' }],
    ['\ufeffa=1', { '\ufeffa': '1' }],
  ])('is parsed: %s', async (body, value) => {
    expect(await parse('application/x-www-form-urlencoded', body)).toEqual({ ok: true, value });
  });
});

it('writes numbers of JSON as Python does, at all depths', async () => {
  const body = '{"a": 1.0, "b": "1.0", "c": [1e5], "d": 123456789012345678901}';
  const value = { a: '1.0', b: '1.0', c: ['100000.0'], d: '123456789012345678901' };
  expect(await parse('application/json', body)).toEqual({ ok: true, value });
});

it('does not count values inside a string', async () => {
  const text = '[{,\\"'.repeat(1000);
  const value = { a: JSON.parse(`"${text}"`) };
  expect(await parse('application/json', `{"a": "${text}"}`)).toEqual({ ok: true, value });
});

it('throws if the body has already been read', async () => {
  const request = new Request('http://localhost/', { method: 'POST', body: 'a' });
  await request.text();
  await expect(parseBody(request)).rejects.toThrow(TypeError);
});
