/** `Api`, the published type, says what the routes are: each body, and each answer by its status. */
import type { ExtractSchema } from 'hono/types';
import { expectTypeOf, it } from 'vitest';
import type { addRoutes } from '../../src/app.ts';
import type { Api } from '../../src/client/api.ts';
import type { Bindings } from '../../src/services/bindings.ts';

/** As the compiler infers them from the handlers. */
type Routes = ExtractSchema<ReturnType<typeof addRoutes<Bindings>>>;

/** What is for people and for tools has no place in a typed client. */
type Pages = '/' | '/account' | '/openapi.json';

/** What a route answers with a status. */
type Answer<Endpoint, Status> = Endpoint extends { output: infer Output; status: infer Some }
  ? Status extends Some
    ? Output
    : never
  : never;

type Input<Endpoint> = Endpoint extends { input: infer Taken } ? Taken : never;

type Same<A, B> = [A, B] extends [B, A] ? true : false;

/** The middleware's and faults' answers, which no handler's type has. */
type Everywhere = 406 | 500;
type Success = 200 | 201 | 204;
type Failures<Endpoint> = Exclude<
  Endpoint extends { status: infer Status } ? Status : never,
  Everywhere | Success
>;

/** By path and method: whether all of it is true. */
type Truth = {
  [Path in keyof Api]: {
    [Method in keyof Api[Path]]: Method extends keyof Routes[Path]
      ? {
          takes: Same<Input<Api[Path][Method]>, Input<Routes[Path][Method]>>;
          succeeds: Same<Answer<Api[Path][Method], Success>, Answer<Routes[Path][Method], Success>>;
          fails: [Failures<Api[Path][Method]>] extends [Failures<Routes[Path][Method]>]
            ? Answer<Api[Path][Method], Failures<Api[Path][Method]>> extends Answer<
                Routes[Path][Method],
                Failures<Api[Path][Method]>
              >
              ? true
              : false
            : false;
        }
      : never;
  };
};

type AllTrue<T> = {
  [Path in keyof T]: {
    [Method in keyof T[Path]]: { takes: true; succeeds: true; fails: true };
  };
};

it('has the paths that the app has', () => {
  expectTypeOf<keyof Api>().toEqualTypeOf<Exclude<keyof Routes, Pages>>();
});

it('takes and answers, by path, method and status, what the handlers do', () => {
  expectTypeOf<Truth>().toEqualTypeOf<AllTrue<Truth>>();
});
