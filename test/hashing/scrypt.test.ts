/** scrypt by the runtime, and by JavaScript if the runtime refuses or has no `node:crypto`. */
import { scrypt as scryptInJavaScript } from '@noble/hashes/scrypt.js';
import { bytesToHex as hex, randomBytes } from '@noble/hashes/utils.js';
import { describe, expect, it, vi } from 'vitest';
import { scrypt } from '../../src/hashing/scrypt.ts';

const KEY_BYTES = 64;

const upTo = (max: number) => Math.floor(Math.random() * (max + 1));

async function expectTheSameKeys(load?: Parameters<typeof scrypt>[3]) {
  for (let i = 0; i < 20; i++) {
    const parameters = { N: 2 ** (1 + upTo(8)), r: 1 + upTo(8), p: 1 + upTo(3) };
    const [password, salt] = [randomBytes(upTo(200)), randomBytes(1 + upTo(40))];
    const expected = scryptInJavaScript(password, salt, { ...parameters, dkLen: KEY_BYTES });
    expect(hex(await scrypt(password, salt, parameters, load))).toBe(hex(expected));
  }
}

describe('scrypt', () => {
  it('is computed by the runtime, with the same keys as in JavaScript', async () => {
    const { scryptSync } = await import('node:crypto');
    const spy = vi.fn(scryptSync);
    await expectTheSameKeys(async () => ({ scryptSync: spy }));
    expect(spy).toHaveReturnedTimes(20);
    await expectTheSameKeys();
  });

  it('is computed by the runtime for the most work that production allows', async () => {
    const { scryptSync } = await import('node:crypto');
    const spy = vi.fn(scryptSync);
    const load = async () => ({ scryptSync: spy });
    await scrypt(randomBytes(8), randomBytes(8), { N: 2 ** 14, r: 8, p: 8 }, load);
    expect(spy).toHaveReturnedTimes(1);
  });

  it('is computed in JavaScript if the runtime refuses the parameters', async () => {
    const scryptSync = vi.fn(() => {
      throw new RangeError('Scrypt failed: exceeded limits');
    });
    await expectTheSameKeys(async () => ({ scryptSync }));
    expect(scryptSync).toHaveBeenCalledTimes(20);
  });

  it('is computed in JavaScript if the runtime has no node:crypto', async () => {
    await expectTheSameKeys(() => Promise.reject(new Error('No such module "node:crypto".')));
  });
});
