import { vi } from 'vitest';

/**
 * Records the slices that WebAssembly runs. Call it before the modules are loaded.
 *
 * @returns the number of passwords of each slice, and whether the memory of all modules is zero
 */
export function recordSlices() {
  const { Instance } = WebAssembly;
  const slices: (1 | 4)[] = [];
  const memories: Uint8Array[] = [];
  vi.spyOn(WebAssembly, 'Instance').mockImplementation(function instantiate(module) {
    const { exports } = new Instance(module);
    const { memory, iterate } = exports;
    if (!(memory instanceof WebAssembly.Memory) || typeof iterate !== 'function')
      throw new TypeError('Unexpected WebAssembly module');
    memories.push(new Uint8Array(memory.buffer));
    const recorded = (count: number) => {
      slices.push('absorbKey' in exports ? 1 : 4);
      iterate(count);
    };
    return { exports: { ...exports, iterate: recorded } };
  });
  return { slices, isMemoryEmpty: () => !memories.some((memory) => memory.some(Boolean)) };
}
