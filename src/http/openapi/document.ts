/**
 * The OpenAPI 3.1 document of a list of routes. The schemas that validate bodies also describe them.
 * The tests replay every example.
 */
import * as v from 'valibot';
import type { Settings } from '../../settings.ts';
import type { ObjectSchema } from '../body.ts';
import type { Route } from '../route.ts';
import {
  HEADERS,
  INFO,
  RESPONSES,
  reference,
  SCHEMAS,
  SECURITY_SCHEMES,
  TAGS,
} from './components.ts';
import { detail, type Examples, type ResponseDescription } from './description.ts';

/** The media types that the parsers accept. All have the same schema and examples. */
const REQUEST_MEDIA_TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
];

const MALFORMED = { malformed: { detail: 'JSON parse error - The body is not valid JSON.' } };

/** For a route that the settings can disable. */
const NOT_FOUND = detail('The settings disable this route.', { unbound: 'Not found.' });

/** @param server the URL of the API, without a trailing slash */
export function openApiDocument(routes: Route[], settings: Settings, server: string) {
  const schemas: Record<string, object> = { ...SCHEMAS };
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, access, bodySchema, kind, description } of routes) {
    const isView = kind === 'view';
    const { tag, request, responses, ...documentation } = description;
    if (bodySchema && request) schemas[request.name] = jsonSchema(bodySchema(settings));
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        ...documentation,
        tags: [tag],
        security: securityOf(access),
        ...(request && { requestBody: requestBody(request.name, request.examples) }),
        responses: {
          ...(access.requiresUser && { 401: reference('responses', 'Unauthorized') }),
          ...(isView && { 406: reference('responses', 'NotAcceptable') }),
          ...(access.isEnabled && { 404: describe(NOT_FOUND) }),
          ...(bodySchema && {
            413: reference('responses', 'BodyTooLarge'),
            415: reference('responses', 'UnsupportedMediaType'),
            429: reference('responses', 'Throttled'),
          }),
          500: reference('responses', 'Fault'),
          ...(isView && { 503: reference('responses', 'Unavailable') }),
          ...mapValues(responses, (response, status) =>
            describe(bodySchema && status === '400' ? withExamples(response, MALFORMED) : response),
          ),
        },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: INFO,
    servers: [{ url: server }],
    tags: TAGS,
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      headers: HEADERS,
      schemas,
      responses: mapValues(RESPONSES, describe),
    },
  };
}

/** An empty requirement makes the token optional (OpenAPI 3.1, Security Requirement Object). */
const securityOf = ({ requiresUser, acceptsUser = false }: Route['access']) => [
  ...(requiresUser || acceptsUser ? [{ Token: [] }] : []),
  ...(acceptsUser ? [{}] : []),
];

/**
 * The JSON Schema of a body: an object of strings. The metadata of each field has the other keywords
 * (validation/fields.ts).
 */
const jsonSchema = ({ entries }: ObjectSchema<unknown, unknown>) => ({
  type: 'object',
  properties: mapValues(entries, ({ wrapped, ...entry }) => ({
    type: 'string',
    ...v.getMetadata(wrapped ?? entry),
    ...(entry.default !== undefined && { default: entry.default }),
  })),
  required: Object.keys(entries).filter((name) => entries[name]?.type !== 'optional'),
});

function requestBody(name: string, examples: Examples) {
  const media = { schema: reference('schemas', name), examples: named(examples) };
  const content = Object.fromEntries(REQUEST_MEDIA_TYPES.map((type) => [type, media]));
  return { required: true, content };
}

function describe({
  description,
  schema,
  examples,
  headers = [],
  mediaTypes,
}: ResponseDescription) {
  const media = schema && { schema: reference('schemas', schema), examples: named(examples ?? {}) };
  const types = media ? { 'application/json': media } : otherMedia(mediaTypes ?? []);
  return {
    description,
    ...(Object.keys(types).length > 0 && { content: types }),
    ...(headers.length > 0 && {
      headers: Object.fromEntries(headers.map((name) => [name, reference('headers', name)])),
    }),
  };
}

const otherMedia = (types: string[]) =>
  Object.fromEntries(
    types.map((type) => [type, { schema: { type: type === 'text/html' ? 'string' : 'object' } }]),
  );

const withExamples = (response: ResponseDescription, examples: Examples) => ({
  ...response,
  examples: { ...response.examples, ...examples },
});

const named = (examples: Examples) => mapValues(examples, (value) => ({ value }));

const mapValues = <T, U>(record: Record<string, T>, map: (value: T, key: string) => U) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
