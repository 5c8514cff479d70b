/**
/**
 * Request bodies: JSON, form and multipart (rest_framework/parsers.py), from bytes to fields. The
 * schemas in schemas.ts check the fields. A caught message is never passed on: the runtime's
 * JSON errors quote the body, which can hold a password.
 */
import { err, ok, type Result } from '../lib/result.ts';
import type { ParseFailure, ValidationFailure } from './failure.ts';
import { pythonNumber } from './python-number.ts';

/** A body's top level. Values are unknown; a form's are strings and files. */
export type Fields = Record<string, unknown>;

/**
 * Fields of a form, or values of JSON at all depths. No route takes more than five. Without a limit,
 * parsing 64 KiB of them costs as much as 90 small requests. Django allows 1,000 fields of a form
 * (`DATA_UPLOAD_MAX_NUMBER_FIELDS`), and does not limit JSON.
 */
const MAX_FIELDS = 200;

/** Reads and parses a body. An empty one has no fields, whatever its media type. */
export async function parseBody(
  request: Request,
): Promise<Result<Fields, ParseFailure | ValidationFailure>> {
  const bytes = await readBytes(request);
  if (!bytes) return err({ kind: 'parse-error', reason: 'incomplete' });
  if (bytes.byteLength === 0) return ok({});

  const mediaType = request.headers.get('Content-Type') ?? '';
  switch (mediaType.split(';', 1)[0]?.trim().toLowerCase()) {
    case 'application/json':
      return parseJson(bytes);
    case 'application/x-www-form-urlencoded':
      return parseForm(bytes);
    case 'multipart/form-data':
      return parseMultipart(bytes, mediaType);
    default:
      return err({ kind: 'unsupported-media-type', mediaType });
  }
}

/** Undefined if the client closed the connection before the body was complete. */
async function readBytes(request: Request): Promise<ArrayBuffer | undefined> {
  try {
    return await request.arrayBuffer();
  } catch (error) {
    // A bug: the body was read before (Fetch §5.3, "consume body").
    if (error instanceof TypeError) throw error;
    return undefined;
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
  if (hasTooManyValues(source)) return tooManyFields;
  let value: unknown;
  try {
    value = JSON.parse(source, (_key, nested: unknown, context?: { source?: string }) =>
      // DRF's `CharField` makes a text of a number by `str()`.
      typeof nested === 'number' ? pythonNumber(context?.source ?? String(nested)) : nested,
    );
  } catch {
    return err({ kind: 'parse-error', reason: 'json' });
  }
  if (value === null) return notAnObject('No data provided');
  if (typeof value !== 'object' || Array.isArray(value)) {
    return notAnObject(`Invalid data. Expected a dictionary, but got ${pythonType(source)}.`);
  }
  return ok({ ...value });
}

/** Counts what begins a value or follows one. */
function hasTooManyValues(source: string): boolean {
  let values = 0;
  let isInString = false;
  for (let at = 0; at < source.length && values <= MAX_FIELDS; at++) {
    const character = source.charAt(at);
    if (character === '\\') at++;
    else if (character === '"') isInString = !isInString;
    else if (!isInString && ',[{'.includes(character)) values++;
  }
  return values > MAX_FIELDS;
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

/** As Django reads forms: what is not UTF-8 is replaced, and a byte order mark stays. */
const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

function parseForm(bytes: ArrayBuffer): Result<Fields, ParseFailure> {
  const text = utf8.decode(bytes);
  if (text.split('&', MAX_FIELDS + 1).length > MAX_FIELDS) return tooManyFields;
  // `URLSearchParams` drops a ? at the start.
  return ok(lastOfEach(new URLSearchParams(`&${text}`)));
}

/** Of several values of one name the last counts, as in a `QueryDict`. */
const lastOfEach = (entries: Iterable<readonly [string, unknown]>): Fields =>
  Object.fromEntries(entries);

const tooManyFields = err({ kind: 'parse-error' as const, reason: 'too-many-fields' as const });

/** Characters (Python's `cgi.valid_boundary`). */
const MAX_BOUNDARY_LENGTH = 201;

const isBoundary = (text: string): boolean =>
  text.length <= MAX_BOUNDARY_LENGTH && /^[ -~]*[!-~]$/.test(text);

/**
 * Reads parts as leniently as Django (django/http/multipartparser.py): what has no name is no field,
 * and the last boundary may be missing. A body without any boundary is an empty form.
 *
 * The runtime's own parser refuses such bodies, and needs 7 ms for 64 KiB of header lines.
 */
function parseMultipart(bytes: ArrayBuffer, mediaType: string): Result<Fields, ParseFailure> {
  const boundary = parameterOf(mediaType, 'boundary');
  if (boundary === undefined || !isBoundary(boundary)) {
    return err({ kind: 'invalid-boundary', boundary: boundary ?? 'None' });
  }
  // A boundary begins a line. What comes before the first one is no part (RFC 2046 §5.1.1).
  const [, ...parts] = `\r\n${utf8.decode(bytes)}`.split(`\r\n--${boundary}`);
  // The last boundary begins a part as well, which is no field.
  if (parts.length > MAX_FIELDS + 1) return tooManyFields;
  return ok(lastOfEach(parts.map(parsePart).filter((field) => field !== undefined)));
}

/** Characters of a part's header; one that is longer makes no field (`parse_boundary_stream`). */
const MAX_HEADER_LENGTH = 1024;

function parsePart(part: string): [name: string, value: unknown] | undefined {
  const end = part.indexOf('\r\n\r\n');
  if (end < 0 || end > MAX_HEADER_LENGTH) return undefined;
  const lines = part.slice(0, end).split('\r\n');
  const disposition = lines.find((line) => /^content-disposition:/i.test(line)) ?? '';
  const name = parameterOf(disposition, 'name')?.trim();
  if (name === undefined) return undefined;
  // No field takes a file, so its content is not kept.
  const isFile = Boolean(parameterOf(disposition, 'filename'));
  return [name, isFile ? new Blob() : part.slice(end + '\r\n\r\n'.length)];
}

/**
 * A parameter of a header (RFC 9110 §5.6.6), without its quotes.
 *
 * @param name in lower case
 */
function parameterOf(header: string, name: string): string | undefined {
  const start = `${name}=`;
  const parameters = header.split(';').map((parameter) => parameter.trim());
  const value = parameters
    .find((parameter) => parameter.toLowerCase().startsWith(start))
    ?.slice(start.length)
    .trim();
  return value?.startsWith('"') ? value.split('"', 2)[1] : value;
}
