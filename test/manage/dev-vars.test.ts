import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const SCRIPT = resolve('src/manage/dev-vars.ts');

/** Runs the script as `npm start` does, in a folder with this `.dev.vars`. */
function prepare({ file, mode = 0o644 }: { file?: string; mode?: number } = {}) {
  const directory = temporaryDirectory();
  const path = join(directory, '.dev.vars');
  if (file !== undefined) writeFileSync(path, file);
  if (file !== undefined) chmodSync(path, mode);
  mkdirSync(join(directory, '.wrangler'));
  chmodSync(join(directory, '.wrangler'), 0o755);
  const run = () => execFileSync(process.execPath, [SCRIPT], { cwd: directory, encoding: 'utf8' });
  run();
  return {
    run,
    read: () => readFileSync(path, 'utf8'),
    modeOf: (name: string) => statSync(join(directory, name)).mode & 0o777,
  };
}

test('draws a key, and asks nothing of local passwords', () => {
  const { read, run } = prepare();
  const first = read();
  expect(first).toMatch(
    /^SECRET_KEY="[a-zA-Z0-9]{50}"\nDEFAULT_FROM_EMAIL="webmaster@localhost"\nAUTH_PASSWORD_VALIDATORS=""\nOLD_PASSWORD_FIELD_ENABLED="false"\nEMAIL_CHANGE_REQUIRES_PASSWORD="false"\n$/,
  );
  run();
  expect(read()).toBe(first);
});

test('keeps what the file has', () => {
  const file = 'SECRET_KEY=mine\nexport AUTH_PASSWORD_VALIDATORS = "MinimumLength"';
  expect(prepare({ file }).read()).toBe(
    `${file}\nDEFAULT_FROM_EMAIL="webmaster@localhost"\nOLD_PASSWORD_FIELD_ENABLED="false"\nEMAIL_CHANGE_REQUIRES_PASSWORD="false"\n`,
  );
});

test.each([
  ['new', {}],
  ['that others could read', { file: 'SECRET_KEY="k"\n' }],
  ['that others could write', { file: 'SECRET_KEY="k"\n', mode: 0o666 }],
  [
    'that is complete',
    {
      file: 'SECRET_KEY="k"\nDEFAULT_FROM_EMAIL="a@b.c"\nAUTH_PASSWORD_VALIDATORS=""\nOLD_PASSWORD_FIELD_ENABLED="true"\nEMAIL_CHANGE_REQUIRES_PASSWORD="true"\n',
    },
  ],
])('a file %s is readable by its owner only, and so are local databases', (_, given) => {
  const { modeOf } = prepare(given);
  expect(modeOf('.dev.vars')).toBe(0o600);
  expect(modeOf('.wrangler')).toBe(0o700);
});

test('a file that its owner made read-only stays so', () => {
  const file =
    'SECRET_KEY="k"\nDEFAULT_FROM_EMAIL="a@b.c"\nAUTH_PASSWORD_VALIDATORS=""\nOLD_PASSWORD_FIELD_ENABLED="true"\nEMAIL_CHANGE_REQUIRES_PASSWORD="true"\n';
  expect(prepare({ file, mode: 0o444 }).modeOf('.dev.vars')).toBe(0o400);
});

test('a folder without databases needs nothing', () => {
  const directory = temporaryDirectory();
  execFileSync(process.execPath, [SCRIPT], { cwd: directory });
  expect(existsSync(join(directory, '.wrangler'))).toBe(false);
});
