/**
 * Copies WebAssembly out of packages, because the JavaScript of these packages cannot be used, and
 * their licences. Run it with `npm run wasm`.
 *
 * - argon2.wasm is the C library (github.com/P-H-C/phc-winner-argon2) in @phi-ag/argon2. The package's
 *   JavaScript counts the characters of a password, and not its bytes.
 * - bcrypt.wasm is crypt_blowfish (openwall.com/crypt) in hash-wasm. The package's JavaScript compiles
 *   WebAssembly from bytes, which Workers do not allow. bcrypt in JavaScript would add 8 KiB to the
 *   script that each Worker loads.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGES = 'node_modules';
const target = (name: string) => join(import.meta.dirname, name);

const argon2 = readFileSync(join(PACKAGES, '@phi-ag/argon2/dist/argon2.wasm'));
writeFileSync(target('argon2.wasm'), argon2);

const bundle = readFileSync(join(PACKAGES, 'hash-wasm/dist/bcrypt.umd.min.js'), 'utf8');
const [, bcrypt] = /name:"bcrypt",data:"([^"]+)"/.exec(bundle) ?? [];
if (bcrypt === undefined) throw new Error('hash-wasm has its bcrypt in another form');
writeFileSync(target('bcrypt.wasm'), Buffer.from(bcrypt, 'base64'));

const licences = ['@phi-ag/argon2', 'hash-wasm'].map((name) => {
  const { version, license } = JSON.parse(
    readFileSync(join(PACKAGES, name, 'package.json'), 'utf8'),
  );
  const text = readFileSync(join(PACKAGES, name, 'LICENSE'), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(target('LICENSES.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
