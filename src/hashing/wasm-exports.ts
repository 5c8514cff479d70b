/** Reads what WebAssembly modules export, which has no types. */
import { ServiceUnavailable } from '../lib/service-unavailable.ts';

/** @throws TypeError if the module exports no such function */
export function asFunction(value: unknown): CallableFunction {
  if (typeof value === 'function') return value;
  throw new TypeError('The module does not export the function');
}

/** @throws TypeError if the module exports no memory */
export function memoryOf({ memory }: WebAssembly.Exports): WebAssembly.Memory {
  if (memory instanceof WebAssembly.Memory) return memory;
  throw new TypeError('The module exports no memory');
}

/**
 * Makes an instance of the module of an algorithm that has no other engine.
 *
 * @throws ServiceUnavailable if this runtime or bundle does not support WebAssembly, or if there is not
 *   enough memory, so that a correct password is not refused as a wrong one
 */
export async function instantiate(
  algorithm: string,
  load: () => Promise<{ default: WebAssembly.Module }>,
): Promise<WebAssembly.Exports> {
  try {
    const { default: module } = await load();
    return new WebAssembly.Instance(module).exports;
  } catch (cause) {
    throw new ServiceUnavailable('hashing', `WebAssembly is not available for ${algorithm}`, {
      cause,
    });
  }
}
