import { getPathNoStrict } from 'hono/utils/url';

/**
 * The path of a request for the router, without `URL_PREFIX` and without a final slash. A path that does
 * not have the prefix stays as it is.
 */
export function pathBelow(prefix: string, request: Request): string {
  const path = getPathNoStrict(request);
  if (prefix === '') return path;
  return `${path}/`.startsWith(`${prefix}/`) ? path.slice(prefix.length) || '/' : path;
}
