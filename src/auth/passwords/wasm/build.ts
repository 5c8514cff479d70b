/**
 * Builds pbkdf2-sha256.wasm: SHA-256's compression function, unrolled, and the loop of PBKDF2
 * around it. Names are those of FIPS 180-4 and RFC 8018. Run it with `npm run wasm`.
 *
 * An expression is WebAssembly text, a local's name (`$a`), or a number that is known already. What
 * is made of numbers alone is computed here: half of each message block is padding.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';

type Expression = string | number;

const text = (x: Expression): string => {
  if (typeof x === 'number') return `(i32.const ${x | 0})`;
  return x.startsWith('$') ? `(local.get ${x})` : x;
};

const operation =
  (name: string, compute: (a: number, b: number) => number) =>
  (a: Expression, b: Expression): Expression =>
    typeof a === 'number' && typeof b === 'number'
      ? compute(a, b) >>> 0
      : `(i32.${name} ${text(a)} ${text(b)})`;

const and = operation('and', (a, b) => a & b);
const or = operation('or', (a, b) => a | b);
const xor = operation('xor', (a, b) => a ^ b);
const shr = operation('shr_u', (a, b) => a >>> b);
const rotr = operation('rotr', (a, b) => (a >>> b) | (a << (32 - b)));
const plus = operation('add', (a, b) => a + b);
const isNumber = (x: Expression) => typeof x === 'number';
const add = (...terms: Expression[]): Expression =>
  [terms.filter(isNumber), terms.filter((x) => !isNumber(x))]
    .flatMap((some) => (some.length > 0 ? [some.reduce(plus)] : []))
    .reduce(plus);

// FIPS 180-4 §4.1.2. Nested rotations are the same as three side by side, and need fewer registers.
const Ch = (x: Expression, y: Expression, z: Expression) => xor(z, and(x, xor(y, z)));
const Maj = (x: Expression, y: Expression, z: Expression) => or(and(x, y), and(z, or(x, y)));
const Σ0 = (x: Expression) => rotr(xor(rotr(xor(rotr(x, 22 - 13), x), 13 - 2), x), 2);
const Σ1 = (x: Expression) => rotr(xor(rotr(xor(rotr(x, 25 - 11), x), 11 - 6), x), 6);
const σ0 = (x: Expression) => xor(xor(rotr(x, 7), rotr(x, 18)), shr(x, 3));
const σ1 = (x: Expression) => xor(xor(rotr(x, 17), rotr(x, 19)), shr(x, 10));

/** The first 32 bits of the fractional part of a prime's nth root (FIPS 180-4 §4.2.2, §5.3.3). */
function fractionOfRoot(prime: number, n: number): number {
  const shifted = BigInt(prime) << BigInt(32 * n);
  let root = 0n;
  for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) {
    if ((root + bit) ** BigInt(n) <= shifted) root += bit;
  }
  return Number(root & 0xffff_ffffn);
}

const PRIMES: number[] = [];
for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);
const K = PRIMES.map((prime) => fractionOfRoot(prime, 3));
const IV = PRIMES.slice(0, 8).map((prime) => fractionOfRoot(prime, 2));

const STATE = ['$a', '$b', '$c', '$d', '$e', '$f', '$g', '$h'];
const BLOCK = Array.from({ length: 16 }, (_, i) => `$w${i}`);
const DIGEST = BLOCK.slice(0, 8);

/**
 * The rest of a block that ends a message of one block and a digest: 768 bits (FIPS 180-4 §5.1.1).
 */
const PADDING = [0x8000_0000, 0, 0, 0, 0, 0, 0, 768];

const set = (local: string, x: Expression) => `(local.set ${local} ${text(x)})`;
const each = (locals: string[], make: (local: string, i: number) => string) =>
  locals.map(make).join('\n');

/** Runs the 64 rounds over the locals of `STATE` (FIPS 180-4 §6.2.2, steps 1 and 3). */
function compress(block: Expression[]): string {
  const W = [...block];
  let state = STATE;
  const rounds = K.map((k, t) => {
    const statements: string[] = [];
    const w = (back: number) => W[(t - back) & 15] ?? 0;
    if (t >= 16) {
      const next = add(σ1(w(2)), w(7), σ0(w(15)), w(16));
      const local = BLOCK[t & 15] ?? '';
      W[t & 15] = isNumber(next) ? next : local;
      if (!isNumber(next)) statements.push(set(local, next));
    }
    const [a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = ''] = state;
    statements.push(set(h, add(h, add(k, w(0)), Ch(e, f, g), Σ1(e))), set(d, add(d, h)));
    statements.push(set(h, add(h, Maj(a, b, c), Σ0(a))));
    state = [h, a, b, c, d, e, f, g];
    return statements.join('\n');
  });
  return rounds.join('\n');
}

/** Where things lie in memory, in bytes. Words are in the machine's order. */
const [INNER, OUTER, U, T, KEY] = [0, 32, 64, 96, 128];
const load = (at: number, from: Expression = 0) => `(i32.load offset=${at} ${text(from)})`;
const store = (at: number, x: Expression, to: Expression = 0) =>
  `(i32.store offset=${at} ${text(to)} ${text(x)})`;
const locals = (names: string[]) => names.map((name) => `(local ${name} i32)`).join(' ');

const MODULE = `(module
  (memory (export "memory") 1)

  ;; HMAC's state after the key, XORed with ipad or opad (RFC 2104 §2), goes to $to.
  (func (export "absorbKey") (param $pad i32) (param $to i32) ${locals([...STATE, ...BLOCK])}
    ${each(BLOCK, (w, i) => set(w, xor(load(KEY + 4 * i), '$pad')))}
    ${each(STATE, (x, i) => set(x, IV[i] ?? 0))}
    ${compress(BLOCK)}
    ${each(STATE, (x, i) => store(4 * i, add(x, IV[i] ?? 0), '$to'))})

  ;; $count times: U = HMAC(U), T = T xor U (RFC 8018 §5.2). The inner hash and the outer one take turns.
  (func (export "iterate") (param $count i32) ${locals(['$hash', '$left', ...STATE, ...BLOCK])}
    ${set('$left', '(i32.shl (local.get $count) (i32.const 1))')}
    ${each(DIGEST, (w, i) => set(w, load(U + 4 * i)))}
    (loop $again
      ${each(STATE, (x, i) => set(x, load(INNER + 4 * i, '$hash')))}
      ${compress([...DIGEST, ...PADDING])}
      ${each(DIGEST, (w, i) => set(w, add(STATE[i] ?? 0, load(INNER + 4 * i, '$hash'))))}
      (if (i32.eq (local.get $hash) (i32.const ${OUTER})) (then
        ${each(DIGEST, (w, i) => store(T + 4 * i, xor(load(T + 4 * i), w)))}))
      ${set('$hash', xor('$hash', INNER ^ OUTER))}
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    ${each(DIGEST, (w, i) => store(U + 4 * i, w))}))`;

const { parseWat } = await wabt();
const module = parseWat('pbkdf2-sha256.wat', MODULE);
module.validate();
writeFileSync(join(import.meta.dirname, 'pbkdf2-sha256.wasm'), module.toBinary({}).buffer);
