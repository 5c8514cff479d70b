/**
 * Request bodies: JSON, form and multipart (rest_framework/parsers.py). From bytes to fields; what
 * the fields hold is schemas.ts's business. A caught message is never passed on: the runtime's
 * JSON errors quote the body, and the body holds a password.
 */
import { err, ok, type Result } from '../lib/result.ts';
import type { ParseErrorReason, ParseFailure, ValidationFailure } from './failure.ts';
import { pythonNumber } from './python-number.ts';

/** A body's top level. Values are unknown; a form's are strings and files. */
export type Fields = Record<string, unknown>;

/** Reads and parses a body. An empty one has no fields, whatever its media type. */
export async function parseBody(
  request: Request,
): Promise<Result<Fields, ParseFailure | ValidationFailure>> {
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength === 0) return ok({});

  const mediaType = request.headers.get('Content-Type') ?? '';
  switch (mediaType.split(';')[0]?.trim().toLowerCase()) {
    case 'application/json':
      return parseJson(bytes);
    case 'application/x-www-form-urlencoded':
      return parseForm(bytes, mediaType, 'form');
    case 'multipart/form-data':
      return parseMultipart(bytes, mediaType);
    default:
      return err({ kind: 'unsupported-media-type', mediaType });
  }
}

/**
 * The top level must be an object (rest_framework/serializers.py, `Serializer.to_internal_value`).
 */
function parseJson(bytes: ArrayBuffer): Result<Fields, ParseFailure | ValidationFailure> {
  let source: string;
  try {
    // A byte order mark stays: JSON must not start with one (RFC 8259 §8.1), and Python refuses it.
    source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return err({ kind: 'parse-error', reason: 'json-encoding' });
  }
  let value: unknown;
  try {
    value = JSON.parse(source, (_key, nested: unknown, context?: { source?: string }) =>
      // `str()` of a Python number: what a field makes of one.
      typeof nested === 'number' ? pythonNumber(context?.source ?? String(nested)) : nested,
    );
  } catch {
    // Not only a SyntaxError: a body of nothing but brackets exhausts the stack.
    return err({ kind: 'parse-error', reason: 'json' });
  }
  if (value === null) return notAnObject('No data provided');
  if (typeof value !== 'object' || Array.isArray(value)) {
    return notAnObject(`Invalid data. Expected a dictionary, but got ${pythonType(source)}.`);
  }
  return ok({ ...value });
}

const notAnObject = (sentence: string) =>
  err({ kind: 'validation-error' as const, errors: { non_field_errors: [sentence] } });

/** The Python type of a JSON text that is neither an object nor null. */
function pythonType(source: string): 'list' | 'str' | 'bool' | 'int' | 'float' {
  const text = source.trim();
  if (text.startsWith('[')) return 'list';
  if (text.startsWith('"')) return 'str';
  if (text.startsWith('t') || text.startsWith('f')) return 'bool';
  return /[.eE]/.test(text) ? 'float' : 'int';
}

/**
 * A boundary's parameter (RFC 2046 §5.1.1), and what one may be (Python's `cgi.valid_boundary`).
 */
const BOUNDARY = /;\s*boundary=(?:"(?<quoted>[^"]*)|(?<bare>[^;]*))/i;
const VALID_BOUNDARY = /^[ -~]{0,200}[!-~]$/;

async function parseMultipart(
  bytes: ArrayBuffer,
  mediaType: string,
): Promise<Result<Fields, ParseFailure>> {
  const { quoted, bare } = BOUNDARY.exec(mediaType)?.groups ?? {};
  const boundary = quoted ?? bare?.trim();
  if (boundary === undefined || !VALID_BOUNDARY.test(boundary)) {
    return err({ kind: 'invalid-boundary', boundary: boundary ?? 'None' });
  }
  return parseForm(bytes, mediaType, 'multipart');
}

/** Of several values of one name the last counts, as in a QueryDict. */
async function parseForm(
  bytes: ArrayBuffer,
  mediaType: string,
  reason: ParseErrorReason,
): Promise<Result<Fields, ParseFailure>> {
  try {
    const form = await new Response(bytes, { headers: { 'Content-Type': mediaType } }).formData();
    return ok(Object.fromEntries(form));
  } catch {
    return err({ kind: 'parse-error', reason });
  }
}
