import { err } from '../../lib/result.ts';
import { basePathOf } from '../mount.ts';
import { detail } from '../openapi/description.ts';
import { anyone, isEnabled, page, type Route } from '../route.ts';

/** The document uses only what both versions have, so nothing else differs. */
const OPENAPI_VERSIONS = new Map([
  ['3.0', '3.0.3'],
  ['3.1', '3.1.0'],
]);
const DEFAULT_VERSION = '3.1';

/**
 * The OpenAPI document, in version 3.1 or with `?version=3.0`. Its server is the origin of the
 * request, with the path of a mounted app.
 *
 * @param routes the routes to describe
 */
export const openApi = (routes: () => Route[]): Route =>
  page('GET /openapi.json', {
    access: anyone(undefined),
    kind: 'file',
    description: {
      operationId: 'openApi',
      summary: 'The OpenAPI document',
      description: 'Describes the routes that the settings enable.',
      tag: 'About this service',
      query: {
        version: {
          description: 'The version of OpenAPI.',
          schema: { type: 'string', enum: [...OPENAPI_VERSIONS.keys()], default: DEFAULT_VERSION },
        },
      },
      responses: {
        200: { description: 'An OpenAPI document.', mediaTypes: ['application/json'] },
        404: detail('There is no document of this version.', { version: 'Not found.' }),
      },
    },
    async handle(c) {
      const version = OPENAPI_VERSIONS.get(c.req.query('version') ?? DEFAULT_VERSION);
      if (version === undefined) return err({ kind: 'not-found' });
      const { openApiDocument } = await import('../openapi/document.ts');
      const { origin } = new URL(c.req.url);
      const enabled = routes().filter(({ access }) => isEnabled(access, c.var));
      const server = origin + basePathOf(c);
      const { settings, registration } = c.var;
      return c.json(openApiDocument(enabled, settings, server, version, registration));
    },
  });
