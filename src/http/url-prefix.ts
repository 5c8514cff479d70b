import { isBelow } from './families.ts';

/**
 * The path of a request for the router, without `URL_PREFIX`. A path that does not have the prefix
 * stays as it is.
 */
export const pathBelow = (prefix: string, path: string): string =>
  isBelow(path, prefix) ? path.slice(prefix.length) || '/' : path;
