import type { AppContext } from './context.ts';

/** `GET /openapi.json` → 200, the description of this API that `npm run openapi` made. Loaded only when asked for. */
export async function openApi(c: AppContext): Promise<Response> {
  const { default: document } = await import('./openapi.json');
  return c.json(document);
}
