import { expectTypeOf, it } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';

it('Bindings is what wrangler makes of this wrangler.toml, and may have less', () => {
  expectTypeOf<Env>().toExtend<Bindings>();
  expectTypeOf<Pick<Env, 'DB'>>().toExtend<Bindings>();
  expectTypeOf<Omit<Env, 'DB'>>().not.toExtend<Bindings>();
});
