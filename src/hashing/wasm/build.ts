/**
 * Builds pbkdf2-sha256.wasm and pbkdf2-sha256-lanes.wasm from one description: SHA-256's
 * compression function, unrolled, in the loop of PBKDF2. In the first module a word is an i32. In
 * the second it holds the words of four passwords (SIMD's i32x4). Names are from FIPS 180-4 and RFC
 * 8018. Run it with `npm run wasm`.
 *
 * An expression is WebAssembly text, the name of a local (`$a`), or a constant number. Expressions
 * of constants are computed at build time, because half of each message block is padding.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';

type Expression = string | number;

/** The operations of WebAssembly on words. */
type Words = {
  /** The type of locals, and the prefix of bitwise and memory operations. */
  type: 'i32' | 'v128';
  /** The prefix of additions and shifts. */
  shape: 'i32' | 'i32x4';
  bytes: number;
  constant: (value: number) => string;
  rotateRight: (x: string, bits: number) => string;
  /** Whether the rotations of a word are nested, which needs fewer registers, or independent. */
  nestsRotations: boolean;
  /** Whether the module has a function that computes the states of HMAC. */
  absorbsKeys: boolean;
};

const ONE: Words = {
  type: 'i32',
  shape: 'i32',
  bytes: 4,
  constant: (value) => `(i32.const ${value})`,
  rotateRight: (x, bits) => `(i32.rotr ${x} (i32.const ${bits}))`,
  nestsRotations: true,
  absorbsKeys: true,
};

const FOUR: Words = {
  type: 'v128',
  shape: 'i32x4',
  bytes: 16,
  constant: (value) => `(i32x4.splat (i32.const ${value}))`,
  // SIMD has no rotation.
  rotateRight: (x, bits) =>
    `(v128.or (i32x4.shr_u (local.tee $x ${x}) (i32.const ${bits}))
              (i32x4.shl (local.get $x) (i32.const ${32 - bits})))`,
  // A rotation has a depth of two operations, so a chain of three takes 1.4 times as long.
  nestsRotations: false,
  absorbsKeys: false,
};

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

/** Memory offsets in words. The bytes of a word are in the machine's order. */
const [INNER, OUTER, U, T, KEY] = [0, 8, 16, 24, 32];

const isNumber = (x: Expression) => typeof x === 'number';
const each = (locals: string[], make: (local: string, i: number) => string) =>
  locals.map(make).join('\n');

/** @returns the text of the module for these words */
function pbkdf2(words: Words): string {
  const { type, shape, bytes, constant, rotateRight, nestsRotations, absorbsKeys } = words;
  const text = (x: Expression): string => {
    if (typeof x === 'number') return constant(x | 0);
    return x.startsWith('$') ? `(local.get ${x})` : x;
  };
  const operation =
    (name: string, compute: (a: number, b: number) => number) =>
    (a: Expression, b: Expression): Expression =>
      typeof a === 'number' && typeof b === 'number'
        ? compute(a, b) >>> 0
        : `(${name} ${text(a)} ${text(b)})`;

  const and = operation(`${type}.and`, (a, b) => a & b);
  const or = operation(`${type}.or`, (a, b) => a | b);
  const xor = operation(`${type}.xor`, (a, b) => a ^ b);
  const plus = operation(`${shape}.add`, (a, b) => a + b);
  const add = (...terms: Expression[]): Expression =>
    [terms.filter(isNumber), terms.filter((x) => !isNumber(x))]
      .flatMap((some) => (some.length > 0 ? [some.reduce(plus)] : []))
      .reduce(plus);
  const shr = (x: Expression, bits: number): Expression =>
    typeof x === 'number' ? x >>> bits : `(${shape}.shr_u ${text(x)} (i32.const ${bits}))`;
  const rotr = (x: Expression, bits: number): Expression =>
    typeof x === 'number' ? ((x >>> bits) | (x << (32 - bits))) >>> 0 : rotateRight(text(x), bits);

  const threeRotations = (x: Expression, least: number, middle: number, most: number) =>
    nestsRotations
      ? rotr(xor(rotr(xor(rotr(x, most - middle), x), middle - least), x), least)
      : xor(xor(rotr(x, least), rotr(x, middle)), rotr(x, most));

  // FIPS 180-4 §4.1.2
  const Ch = (x: Expression, y: Expression, z: Expression) => xor(z, and(x, xor(y, z)));
  const Maj = (x: Expression, y: Expression, z: Expression) => or(and(y, z), and(x, or(y, z)));
  const Σ0 = (x: Expression) => threeRotations(x, 2, 13, 22);
  const Σ1 = (x: Expression) => threeRotations(x, 6, 11, 25);
  const σ0 = (x: Expression) => xor(xor(rotr(x, 7), rotr(x, 18)), shr(x, 3));
  const σ1 = (x: Expression) => xor(xor(rotr(x, 17), rotr(x, 19)), shr(x, 10));

  const set = (local: string, x: Expression) => `(local.set ${local} ${text(x)})`;
  const locals = each([...STATE, ...BLOCK, '$x'], (name) => `(local ${name} ${type})`);
  const load = (word: number, from = '(i32.const 0)') =>
    `(${type}.load offset=${word * bytes} ${from})`;
  const store = (word: number, x: Expression, to = '(i32.const 0)') =>
    `(${type}.store offset=${word * bytes} ${to} ${text(x)})`;

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

  const absorbKey = `
    ;; HMAC's state after the key, XORed with ipad or opad (RFC 2104 §2), goes to $to.
    (func (export "absorbKey") (param $pad ${type}) (param $to i32) ${locals}
      ${each(BLOCK, (w, i) => set(w, xor(load(KEY + i), '$pad')))}
      ${each(STATE, (x, i) => set(x, IV[i] ?? 0))}
      ${compress(BLOCK)}
      ${each(STATE, (x, i) => store(i, add(x, IV[i] ?? 0), '(local.get $to)'))})`;

  return `(module
    (memory (export "memory") 1)
    ${absorbsKeys ? absorbKey : ''}
    ;; $count times: U = HMAC(U), T = T xor U (RFC 8018 §5.2). The inner hash and the outer one take turns.
    (func (export "iterate") (param $count i32) (local $hash i32) (local $left i32) ${locals}
      (local.set $left (i32.shl (local.get $count) (i32.const 1)))
      ${each(DIGEST, (w, i) => set(w, load(U + i)))}
      (loop $again
        ${each(STATE, (x, i) => set(x, load(INNER + i, '(local.get $hash)')))}
        ${compress([...DIGEST, ...PADDING])}
        ${each(DIGEST, (w, i) => set(w, add(STATE[i] ?? 0, load(INNER + i, '(local.get $hash)'))))}
        (if (i32.eq (local.get $hash) (i32.const ${OUTER * bytes})) (then
          ${each(DIGEST, (w, i) => store(T + i, xor(load(T + i), w)))}))
        (local.set $hash (i32.xor (local.get $hash) (i32.const ${(INNER ^ OUTER) * bytes})))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      ${each(DIGEST, (w, i) => store(U + i, w))}))`;
}

const { parseWat } = await wabt();
for (const [name, words] of [
  ['pbkdf2-sha256', ONE],
  ['pbkdf2-sha256-lanes', FOUR],
] as const) {
  const module = parseWat(`${name}.wat`, pbkdf2(words), { simd: true });
  module.validate();
  writeFileSync(join(import.meta.dirname, `${name}.wasm`), module.toBinary({}).buffer);
}
