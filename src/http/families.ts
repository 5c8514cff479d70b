/**
 * Families of routes: the routes of a Django package, below one path of the list of routes. With a
 * setting they are served below another path, too, which clients of the package have in their code.
 */
import type { Settings } from '../settings.ts';

/** The path of each family in the list of routes, and the setting of the path that is served. */
const FAMILIES = [{ listed: '/dj-rest-auth', setting: 'djRestAuthPrefix' }] as const;

export type Prefixes = Pick<Settings, (typeof FAMILIES)[number]['setting']>;

/** The path in the list of routes of a path that is served. Other paths stay as they are. */
export function toListedPath(path: string, prefixes: Prefixes): string {
  const family = FAMILIES.find(({ setting }) => isBelow(path, prefixes[setting]));
  return family ? family.listed + path.slice(prefixes[family.setting].length) : path;
}

/** The path at which a path in the list of routes is served. */
export function toServedPath(path: string, prefixes: Prefixes): string {
  const family = FAMILIES.find(({ listed }) => isBelow(path, listed));
  return family ? prefixes[family.setting] + path.slice(family.listed.length) : path;
}

export const isBelow = (path: string, prefix: string): boolean =>
  `${path}/`.startsWith(`${prefix}/`);
