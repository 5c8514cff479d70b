/** The files of the package, and how tools and compilers read it. */
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
  // Exit code 1, and so an exception, if there is a finding.
  const entries = 5;
  expect(npx('attw', ...args).split('node16 (from ESM): 🟢 (ESM)')).toHaveLength(entries + 1);
});

it('has the code, its types, the migrations, a template and the documentation, and nothing else', () => {
  const files = execFileSync('tar', ['-tzf', inject('tarball')], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', ''));
  const others = files.filter(
    (file) => !/^(dist\/.*\.(js|js\.map|d\.ts)|docs\/[\w-]+\.md)$/.test(file),
  );
  expect(files).toContain('docs/settings.md');
  expect(others.sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'dist/THIRD-PARTY-NOTICES.txt',
    'dist/argon2.wasm',
    'dist/bcrypt.wasm',
    'dist/manage/apply-changes.py',
    'dist/manage/django-tables.sql',
    'dist/pbkdf2-sha256-lanes.wasm',
    'dist/pbkdf2-sha256.wasm',
    'drizzle/0000_django_tables.sql',
    'drizzle/0001_email_index.sql',
    'drizzle/0002_staff_indexes.sql',
    'package.json',
    ...execFileSync('git', ['ls-files', 'src/manage/template'], { cwd, encoding: 'utf8' })
      .trim()
      .split('\n'),
  ]);
});
