import { expectTypeOf, it } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';

it('Bindings accepts the types that wrangler generates, and requires only DB', () => {
  expectTypeOf<Env>().toExtend<Bindings>();
  expectTypeOf<Pick<Env, 'DB'>>().toExtend<Bindings>();
  expectTypeOf<Omit<Env, 'DB'>>().not.toExtend<Bindings>();
});
