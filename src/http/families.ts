/**
 * Families of routes: the routes of a Django package, below one path of the list of routes. With a
 * setting they are served below another path, too, which clients of the package have in their code.
 */
import type { Settings } from '../settings.ts';

/**
 * For each family: its paths in the list of routes, the start of them that another path replaces, and the
 * setting of that path.
 */
const FAMILIES = [
  { paths: ['/users', '/token'], listed: '', setting: 'djoserPrefix' },
  { paths: ['/dj-rest-auth'], listed: '/dj-rest-auth', setting: 'djRestAuthPrefix' },
  { paths: ['/knox'], listed: '/knox', setting: 'knoxPrefix' },
] as const;

export type Prefixes = Pick<Settings, (typeof FAMILIES)[number]['setting']>;

/** The path in the list of routes of a path that is served. Other paths stay as they are. */
export function toListedPath(path: string, prefixes: Prefixes): string {
  for (const { paths, listed, setting } of FAMILIES) {
    const moved = listed + path.slice(prefixes[setting].length);
    const isMoved = isBelow(path, prefixes[setting]) && paths.some((own) => isBelow(moved, own));
    if (isMoved) return moved;
  }
  return path;
}

/** The path at which a path in the list of routes is served. */
export function toServedPath(path: string, prefixes: Prefixes): string {
  const family = FAMILIES.find(({ paths }) => paths.some((own) => isBelow(path, own)));
  return family ? prefixes[family.setting] + path.slice(family.listed.length) : path;
}

export const isBelow = (path: string, prefix: string): boolean =>
  `${path}/`.startsWith(`${prefix}/`);
