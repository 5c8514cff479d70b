/** What is in the package, and that tools and compilers read it as it is meant. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, inject, it } from 'vitest';

const cwd = resolve(import.meta.dirname, '../..');
const npx = (...args: string[]) =>
  execFileSync('npx', ['--no-install', ...args], { cwd, encoding: 'utf8' });

it('is found well by publint', () => {
  expect(npx('publint', '--strict', inject('tarball'))).toContain('All good!');
});

it('is found well by Are The Types Wrong, as the ES modules that it is', () => {
  const args = [inject('tarball'), '--profile', 'esm-only', '--format', 'ascii'];
  // It ends with 1 where there is a finding, and is then thrown.
  const entries = 4;
  expect(npx('attw', ...args).split('node16 (from ESM): 🟢 (ESM)')).toHaveLength(entries + 1);
});

it('has the code, its types, the migrations and what people read, and nothing else', () => {
  const files = execFileSync('tar', ['-tzf', inject('tarball')], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', ''));
  const others = files.filter((file) => !/^dist\/.*\.(js|js\.map|d\.ts)$/.test(file));
  expect(others.sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'dist/THIRD-PARTY-NOTICES.txt',
    'dist/pbkdf2-sha256-lanes.wasm',
    'dist/pbkdf2-sha256.wasm',
    'drizzle/0000_django_tables.sql',
    'drizzle/0001_email_index.sql',
    'package.json',
  ]);
});
