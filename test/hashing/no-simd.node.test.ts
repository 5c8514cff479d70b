/** The real error of a runtime without SIMD: V8 does not support it on x86-64 without SSE4.1. */
import { execFile } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const PASSWORDS = ['a', 'b', 'c', 'd', 'e'];
const ITERATIONS = 30_000;

const SCRIPT = `
  import { loadWebAssembly } from './src/hashing/pbkdf2-webassembly.ts';
  const derive = await loadWebAssembly();
  const salt = new TextEncoder().encode('salt');
  const keys = await Promise.all(${JSON.stringify(PASSWORDS)}.map((password) =>
    derive(new TextEncoder().encode(password), salt, ${ITERATIONS})));
  console.log(JSON.stringify(keys.map((key) => Buffer.from(key).toString('hex'))));
`;

// Only V8 for x86-64 has this flag.
it.runIf(process.arch === 'x64')('derives one password at a time if V8 has no SIMD', async () => {
  const flags = ['--no-enable-sse4-1', '--import', './test/helpers/wasm-as-module.ts'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    ...flags,
    '--input-type=module-typescript',
    '--eval',
    SCRIPT,
  ]);
  const keys = PASSWORDS.map((password) =>
    pbkdf2Sync(password, 'salt', ITERATIONS, 32, 'sha256').toString('hex'),
  );
  expect(JSON.parse(stdout)).toEqual(keys);
  expect(stderr).toContain('{"event":"no-simd","message":"CompileError: ');
});
