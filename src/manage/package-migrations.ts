/** The migrations of this package. A project with other tables has copies of them beside its migrations. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './called.ts';

export function packageMigrations(): { name: string; path: string }[] {
  const folder = join(ROOT, 'drizzle');
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => ({ name, path: join(folder, name) }));
}

/**
 * After an update of the package a project may lack a migration.
 *
 * @param folder the project's migrations
 * @returns what to do, or undefined if none is missing
 */
export function adviceOnMissingMigrations(folder: string): string | undefined {
  const present = existsSync(folder) ? readdirSync(folder) : [];
  const missing = packageMigrations().filter(({ name }) => !present.includes(name));
  if (missing.length === 0) return undefined;
  const names = missing.map(({ name }) => name).join(', ');
  return `${folder} lacks migrations of edge-authtoken: ${names}. Copy them from ${join(ROOT, 'drizzle')}`;
}
