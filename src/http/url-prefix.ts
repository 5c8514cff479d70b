/**
 * The path of a request for the router, without `URL_PREFIX`. A path that does not have the prefix
 * stays as it is.
 */
export function pathBelow(prefix: string, path: string): string {
  if (prefix === '') return path;
  return `${path}/`.startsWith(`${prefix}/`) ? path.slice(prefix.length) || '/' : path;
}
