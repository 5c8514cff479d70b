import type { Route } from './route.ts';

/** Routes that an app has only if its host passes them to `createApp`. */
export type RouteSet = {
  readonly name: string;
  /** @internal Their types need packages that are a part of this package's code. */
  readonly routes: Route[];
};
