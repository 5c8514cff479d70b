import { expect, it } from 'vitest';
import { asFunction, instantiate, memoryOf } from '../../src/hashing/wasm-exports.ts';
import { ServiceUnavailable } from '../../src/lib/service-unavailable.ts';

it('is unavailable, and not a wrong password, if a module cannot be loaded', async () => {
  const load = () => Promise.reject(new Error('No such module'));
  await expect(instantiate('argon2', load)).rejects.toThrow(ServiceUnavailable);
});

it('names what a module does not export', () => {
  expect(() => asFunction(undefined)).toThrow('The module does not export the function');
  expect(() => memoryOf({})).toThrow('The module exports no memory');
});
