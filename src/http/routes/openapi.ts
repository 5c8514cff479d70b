import { basePathOf } from '../mount.ts';
import { anyone, page, type Route } from '../route.ts';

/**
 * The OpenAPI document. Its server is the origin of the request, with the path of a mounted app.
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
      tag: 'About this service',
      responses: { 200: { description: 'An OpenAPI document.', mediaTypes: ['application/json'] } },
    },
    async handle(c) {
      const { openApiDocument } = await import('../openapi/document.ts');
      const { origin } = new URL(c.req.url);
      return c.json(openApiDocument(routes(), c.var.settings, origin + basePathOf(c)));
    },
  });
