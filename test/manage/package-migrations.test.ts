import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { adviceOnMissingMigrations } from '../../src/manage/package-migrations.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ALL = readdirSync('drizzle').filter((name) => name.endsWith('.sql'));

function project(without: string[] = []): string {
  const folder = join(temporaryDirectory(), 'migrations');
  cpSync('drizzle', folder, { recursive: true });
  writeFileSync(join(folder, '1000_rock.sql'), 'CREATE TABLE rock (id integer);');
  for (const name of without) rmSync(join(folder, name));
  return folder;
}

it('has no advice for a project with all migrations, and for the package itself', () => {
  expect(adviceOnMissingMigrations(project())).toBeUndefined();
  expect(adviceOnMissingMigrations('drizzle')).toBeUndefined();
});

it('names the migrations that a project lacks after an update', () => {
  const folder = project(['0001_email_index.sql']);
  expect(adviceOnMissingMigrations(folder)).toBe(
    `${folder} lacks migrations of edge-authtoken: 0001_email_index.sql. Copy them from ${resolve('drizzle')}`,
  );
});

it('names all of them if there is no folder', () => {
  const folder = join(temporaryDirectory(), 'migrations');
  expect(adviceOnMissingMigrations(folder)).toContain(ALL.join(', '));
});
