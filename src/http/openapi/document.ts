/**
 * The OpenAPI document of a list of routes. The schemas that validate bodies also describe them. The
 * tests replay every example.
 */
import * as v from 'valibot';
import type { OwnRegistration } from '../../auth/registration-fields.ts';
import type { Settings } from '../../settings.ts';
import type { OwnSchema } from '../../validation/standard-schema.ts';
import type { ObjectSchema } from '../body.ts';
import { toServedPath } from '../families.ts';
import { type Route, toTemplate } from '../route.ts';
import {
  headersOf,
  infoOf,
  RESPONSES,
  reference,
  schemasOf,
  securitySchemesOf,
  TAGS,
} from './components.ts';
import type { Description, Examples, ResponseDescription } from './description.ts';

/** The media types that the parsers accept. All have the same schema and examples. */
const REQUEST_MEDIA_TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
];

const MALFORMED = { malformed: { detail: 'JSON parse error - The body is not valid JSON.' } };

/**
 * @param routes the routes that the settings enable
 * @param server the URL of the API, without a trailing slash
 * @param version of OpenAPI: 3.0 or 3.1
 * @param registration the fields of the host's own
 */
export function openApiDocument(
  routes: Route[],
  settings: Settings,
  server: string,
  version: string,
  registration: OwnRegistration | undefined,
) {
  const own = registration?.describe(version);
  const schemas = schemasOf(settings, own?.shown);
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path: listed, access, bodySchema, kind, description } of routes) {
    const path = toTemplate(toServedPath(listed, settings));
    const isView = kind === 'view';
    const { tag, parameter, query, request, responses: described, ...documentation } = description;
    const responses = typeof described === 'function' ? described(settings) : described;
    for (const { schema } of Object.values(responses)) {
      if (typeof schema === 'object') schemas[schema.name] = schema.schema;
    }
    if (bodySchema && request) {
      Object.assign(schemas, bodySchemas(bodySchema(settings), request, own?.sent));
    }
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        ...documentation,
        tags: [tag],
        security: securityOf(access),
        ...parametersOf(path, parameter, query),
        ...(request && { requestBody: requestBody(request.name, request.examples) }),
        responses: {
          ...(access.requiresUser && { 401: reference('responses', 'Unauthorized') }),
          ...(isView && { 406: reference('responses', 'NotAcceptable') }),
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
    openapi: version,
    info: infoOf(settings, server),
    servers: [{ url: server }],
    tags: TAGS,
    paths,
    components: {
      securitySchemes: securitySchemesOf(settings),
      headers: headersOf(settings),
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

type Request = NonNullable<Description['request']>;

/** The schemas of a body by name. */
function bodySchemas(
  { entries }: ObjectSchema<unknown, unknown>,
  { name, emailAsUsername, takesOwnFields }: Request,
  sent: OwnSchema | undefined,
): Record<string, object> {
  const { username, ...others } = entries;
  const own = takesOwnFields ? sent : undefined;
  if (!emailAsUsername || !username) return { [name]: jsonSchema(entries, own) };
  const [withUsername, withEmail] = [`${name}WithUsername`, `${name}WithEmail`];
  return {
    [withUsername]: jsonSchema(entries, own),
    [withEmail]: jsonSchema({ ...others, email: username }, own),
    [name]: {
      anyOf: [withUsername, withEmail].map((each) => reference('schemas', each)),
    },
  };
}

/**
 * The JSON Schema of a body: an object of strings. The metadata of each field has the other keywords
 * (validation/fields.ts).
 */
function jsonSchema(entries: ObjectSchema<unknown, unknown>['entries'], own?: OwnSchema) {
  const names = Object.keys(entries).filter((name) => entries[name]?.type !== 'optional');
  const required = [...names, ...(own?.required ?? [])];
  const properties = mapValues(entries, ({ wrapped, ...entry }) => ({
    type: 'string',
    ...v.getMetadata(wrapped ?? entry),
  }));
  return {
    type: 'object',
    properties: { ...own?.properties, ...properties },
    // An empty list is not valid in OpenAPI 3.0.
    ...(required.length > 0 && { required }),
  };
}

const USER_ID = { description: 'The id of a user.', schema: { type: 'integer' }, example: 1 };

function parametersOf(
  path: string,
  parameter: Description['parameter'] = USER_ID,
  query: Description['query'] = {},
) {
  const inPath = [...path.matchAll(/\{(?<name>\w+)\}/g)].map(({ groups: { name } = {} }) => ({
    name,
    in: 'path',
    required: true,
    ...parameter,
  }));
  const inQuery = Object.entries(query).map(([name, parameter]) => ({
    name,
    in: 'query',
    ...parameter,
  }));
  const parameters = [...inPath, ...inQuery];
  return parameters.length > 0 ? { parameters } : {};
}

function requestBody(name: string, examples: Examples) {
  // Insomnia reads the example of a schema only, and does not resolve references in OpenAPI 3.1.
  const [example] = Object.values(examples);
  const schema = { allOf: [reference('schemas', name)], example };
  const media = { schema, examples: named(examples) };
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
  const name = typeof schema === 'object' ? schema.name : schema;
  const media = name && { schema: reference('schemas', name), examples: named(examples ?? {}) };
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
