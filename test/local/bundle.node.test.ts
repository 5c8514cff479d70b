/** A deployed bundle has nothing of `npm start`'s entry. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'edge-authtoken-bundle-'));

afterAll(() => rmSync(folder, { recursive: true }));

const Metafile = v.object({ inputs: v.record(v.string(), v.unknown()) });

/** Bundles as `wrangler deploy` does. @param entry the one of wrangler.toml, if there is none */
async function bundle(name: string, ...entry: string[]) {
  const outdir = join(folder, name);
  await promisify(execFile)(process.execPath, [
    '--env-file=.wrangler.env',
    'node_modules/wrangler/bin/wrangler.js',
    ...['deploy', ...entry, '--dry-run', '--outdir', outdir, '--metafile'],
  ]);
  const read = (file: string) => readFileSync(join(outdir, file), 'utf8');
  const { inputs } = v.parse(Metafile, JSON.parse(read('bundle-meta.json')));
  const script = entry[0]?.replace(/^.*\/(\w+)\.ts$/, '$1.js') ?? 'index.js';
  return {
    local: Object.keys(inputs).filter((file) => /src\/local\//.test(file)),
    js: read(script),
  };
}

const LOCAL = /\/inbox|\/local\/(rows|messages)|rows-outcome|Inbox/;

it('has no inbox and no rows when it is deployed', async () => {
  const deployed = await bundle('deployed');
  expect(deployed.js).toContain('authtoken_token');
  expect(deployed.js).not.toMatch(LOCAL);
  expect(deployed.local).toEqual([]);
});

it('has both under `npm start`', async () => {
  const { scripts } = v.parse(
    v.object({ scripts: v.object({ start: v.string() }) }),
    JSON.parse(readFileSync('package.json', 'utf8')),
  );
  const [, entry = ''] = /wrangler -- dev (\S+)$/.exec(scripts.start) ?? [];
  const local = await bundle('local', entry);
  expect(local.js).toMatch(LOCAL);
  expect(local.local).toContain(entry);
});
