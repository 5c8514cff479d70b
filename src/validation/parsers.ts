/**
 * Parses request bodies to fields: JSON, form and multipart (rest_framework/parsers.py). The
 * schemas in schemas.ts check the fields. Messages of caught errors are not used, because the
 * runtime's JSON errors quote the body, which may contain a password.
 */
import { err, ok, type Result } from '../lib/result.ts';
import type { ParseFailure, ValidationFailure } from './failure.ts';
import { pythonNumber } from './python-number.ts';

/** The fields of a body. Values are not checked yet. In forms they are strings and files. */
export type Fields = Record<string, unknown>;

/**
 * Fields of a form, or values of JSON at all depths. No route has more than five. Without a limit,
 * parsing 64 KiB of fields costs as much as 90 small requests. Django allows 1,000 fields in a form
 * (`DATA_UPLOAD_MAX_NUMBER_FIELDS`) and does not limit JSON.
 */
const MAX_FIELDS = 200;

/** How a number in JSON is read: from its source, or as JavaScript reads it. */
type ReadNumber = (source: string, value: number) => unknown;

/**
 * Reads and parses a body. An empty body has no fields, regardless of its media type.
 *
 * @param readNumber by default as DRF's `CharField` does: it converts a number with Python's `str()`
 */
export async function parseBody(
  request: Request,
  readNumber: ReadNumber = pythonNumber,
): Promise<Result<Fields, ParseFailure | ValidationFailure>> {
  const bytes = await readBytes(request);
  if (!bytes) return err({ kind: 'parse-error', reason: 'incomplete' });
  if (bytes.byteLength === 0) return ok({});

  const mediaType = request.headers.get('Content-Type') ?? '';
  switch (mediaType.split(';', 1)[0]?.trim().toLowerCase()) {
    case 'application/json':
      return parseJson(bytes, readNumber);
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
    // A bug: the body has already been read (Fetch §5.3, "consume body").
    if (error instanceof TypeError) throw error;
    return undefined;
  }
}

/**
 * The top level must be an object (rest_framework/serializers.py, `Serializer.to_internal_value`).
 */
function parseJson(
  bytes: ArrayBuffer,
  readNumber: ReadNumber,
): Result<Fields, ParseFailure | ValidationFailure> {
  let source: string;
  try {
    // Keep a byte order mark, so that it is refused (RFC 8259 §8.1), as in Python.
    source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return err({ kind: 'parse-error', reason: 'json-encoding' });
  }
  if (hasTooManyValues(source)) return tooManyFields;
  let value: unknown;
  try {
    value = JSON.parse(source, (_key, nested: unknown, context?: { source?: string }) =>
      typeof nested === 'number' ? readNumber(context?.source ?? String(nested), nested) : nested,
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

/** Counts the characters that start or separate values. */
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

const notAnObject = (message: string) =>
  err({ kind: 'validation-error' as const, errors: { non_field_errors: [message] } });

/** The Python type of a JSON value that is neither an object nor null. */
function pythonType(source: string): 'list' | 'str' | 'bool' | 'int' | 'float' {
  const text = source.trim();
  if (text.startsWith('[')) return 'list';
  if (text.startsWith('"')) return 'str';
  if (text.startsWith('t') || text.startsWith('f')) return 'bool';
  return /[.eE]/.test(text) ? 'float' : 'int';
}

/** Decodes forms as Django does: replaces invalid UTF-8 and keeps a byte order mark. */
const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

function parseForm(bytes: ArrayBuffer): Result<Fields, ParseFailure> {
  const text = utf8.decode(bytes);
  if (text.split('&', MAX_FIELDS + 1).length > MAX_FIELDS) return tooManyFields;
  // The & keeps a leading ?, which `URLSearchParams` would remove.
  return ok(lastOfEach(new URLSearchParams(`&${text}`)));
}

/** If a name has several values, the last one is used, as in a `QueryDict`. */
const lastOfEach = (entries: Iterable<readonly [string, unknown]>): Fields =>
  Object.fromEntries(entries);

const tooManyFields = err({ kind: 'parse-error' as const, reason: 'too-many-fields' as const });

/** Characters (Python's `cgi.valid_boundary`). */
const MAX_BOUNDARY_LENGTH = 201;

const isBoundary = (text: string): boolean =>
  text.length <= MAX_BOUNDARY_LENGTH && /^[ -~]*[!-~]$/.test(text);

/**
 * Parses parts as leniently as Django (django/http/multipartparser.py): a part without a name is
 * ignored, and the last boundary may be missing. A body without a boundary is an empty form.
 *
 * The runtime's own parser refuses such bodies, and takes 7 ms for 64 KiB of header lines.
 */
function parseMultipart(bytes: ArrayBuffer, mediaType: string): Result<Fields, ParseFailure> {
  const boundary = parameterOf(mediaType, 'boundary');
  if (boundary === undefined || !isBoundary(boundary)) {
    return err({ kind: 'invalid-boundary', boundary: boundary ?? 'None' });
  }
  // A boundary starts a line. Text before the first boundary is ignored (RFC 2046 §5.1.1).
  const [, ...parts] = `\r\n${utf8.decode(bytes)}`.split(`\r\n--${boundary}`);
  // The rest after the last boundary is also in `parts`. It is not a field.
  if (parts.length > MAX_FIELDS + 1) return tooManyFields;
  return ok(lastOfEach(parts.map(parsePart).filter((field) => field !== undefined)));
}

/** Characters of a part's header. A part with a longer one is ignored (`parse_boundary_stream`). */
const MAX_HEADER_LENGTH = 1024;

function parsePart(part: string): [name: string, value: unknown] | undefined {
  const end = part.indexOf('\r\n\r\n');
  if (end < 0 || end > MAX_HEADER_LENGTH) return undefined;
  const lines = part.slice(0, end).split('\r\n');
  const disposition = lines.find((line) => /^content-disposition:/i.test(line)) ?? '';
  const name = parameterOf(disposition, 'name')?.trim();
  if (name === undefined) return undefined;
  // No field accepts a file, so its content is not kept.
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
