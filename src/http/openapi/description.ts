/** The description of a route for the OpenAPI document. */
import type { Settings } from '../../settings.ts';
import type { SCHEMAS } from './components.ts';

/** Examples by name. A request and a response with the same name belong together. */
export type Examples = Record<string, unknown>;

/** A schema that only the routes of some apps have. */
export type NamedSchema = { name: string; schema: object };

export type ResponseDescription = {
  description: string;
  /** Its JSON schema: a name in components.ts, or one of the route's own. A response without a body has none. */
  schema?: keyof typeof SCHEMAS | NamedSchema;
  examples?: Examples;
  /** Names of headers in components.ts. */
  headers?: ('Retry-After' | 'WWW-Authenticate')[];
  /** The media types of a response without `schema`. */
  mediaTypes?: ('text/html' | 'application/json')[];
};

export type Description = {
  operationId: string;
  summary: string;
  description: string;
  tag: Tag;
  /** The parameter in the path, if it is not the id of a user. */
  parameter?: { description: string; schema: object; example: unknown };
  /** Parameters in the query string, with their JSON schemas. */
  query?: Record<string, { description: string; schema: object }>;
  /**
   * The name of the body's schema, and examples of the body. `emailAsUsername`: a body with `email` and
   * without `username` is accepted, too. `takesOwnFields`: it is a registration, which may have fields of
   * the host.
   */
  request?: {
    name: string;
    examples: Examples;
    emailAsUsername?: boolean;
    takesOwnFields?: boolean;
  };
  /**
   * By status. The document adds the responses that follow from the access, the body and the rate
   * limit of the route.
   */
  responses: Responses | ((settings: Settings) => Responses);
};

type Responses = Record<number, ResponseDescription>;

export type Tag =
  | 'Without a token'
  | 'With a token'
  | 'By e-mail'
  | 'djoser'
  | 'dj-rest-auth'
  | 'knox'
  | 'Staff'
  | 'About this service';

/** A response with `{"detail"}`. @param details messages by the name of the example */
export const detail = (
  description: string,
  details: Record<string, string>,
  headers: ResponseDescription['headers'] = [],
): ResponseDescription => ({
  description,
  schema: 'Detail',
  examples: Object.fromEntries(
    Object.entries(details).map(([name, message]) => [name, { detail: message }]),
  ),
  headers,
});

/** A response with 400. The document adds an example of a body that cannot be parsed. */
export const invalid = (examples: Examples): ResponseDescription => ({
  description: 'Messages by field, or the reason why the body could not be parsed.',
  schema: 'Invalid',
  examples,
});
