/** How a route describes itself for the OpenAPI document. */
import type { SCHEMAS } from './components.ts';

/** Examples by name. A request and a response with the same name belong together. */
export type Examples = Record<string, unknown>;

export type ResponseDescription = {
  description: string;
  /** The schema of its JSON, of components.ts; leave it out for a response without a body. */
  schema?: keyof typeof SCHEMAS;
  examples?: Examples;
  /** Names of headers in components.ts. */
  headers?: ('Retry-After' | 'WWW-Authenticate')[];
  /** The media types of a response that is not JSON, or not only. */
  mediaTypes?: ('text/html' | 'application/json')[];
};

export type Description = {
  operationId: string;
  summary: string;
  description?: string;
  tag: Tag;
  /** The name of the body's schema, and examples of the body. */
  request?: { name: string; examples: Examples };
  /**
   * By status. The document adds the responses that a route has by its access, its body and its
   * rate limit.
   */
  responses: Record<number, ResponseDescription>;
};

export type Tag = 'Without a token' | 'With a token' | 'By e-mail' | 'About this service';

/** A response of `{"detail"}`. @param details sentences by the name of the example */
export const detail = (
  description: string,
  details: Record<string, string>,
  headers: ResponseDescription['headers'] = [],
): ResponseDescription => ({
  description,
  schema: 'Detail',
  examples: Object.fromEntries(
    Object.entries(details).map(([name, sentence]) => [name, { detail: sentence }]),
  ),
  headers,
});

/** A 400: messages by field. The document adds an example of a body that cannot be read. */
export const invalid = (examples: Examples): ResponseDescription => ({
  description: 'Messages by field; or the reason why the body could not be read.',
  schema: 'Invalid',
  examples,
});
