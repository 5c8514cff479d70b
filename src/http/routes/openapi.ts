import type { AppContext } from '../context.ts';
import { basePathOf } from '../mount.ts';

/**
 * `GET /openapi.json` → 200, this API's description, with the address it was asked at for its
 * server. `npm run openapi` makes the file; it is loaded only when asked for.
 */
export async function openApi(c: AppContext): Promise<Response> {
  const { default: document } = await import('../openapi/openapi.json');
  const { origin } = new URL(c.req.url);
  return c.json({ ...document, servers: [{ url: origin + basePathOf(c) }] });
}
