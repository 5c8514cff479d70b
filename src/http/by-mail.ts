import type { Handler, Input } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { RouterRoute } from 'hono/types';
import type { AccountMail } from '../auth/account-mail.ts';
import type { LinkSettings } from '../auth/link-tokens.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import type { Services } from '../services/services.ts';
import type { Settings } from '../settings.ts';
import type { AppContext, AppEnv } from './context.ts';
import { fail } from './errors.ts';

/** What a route that sends or takes links works with. */
export type ByMail = { mail: AccountMail; links: LinkSettings };

/** Tells whether the route of a handler that `byMail` made exists. */
const conditions = new WeakMap<object, (services: Services) => boolean>();

/** Whether this handler's route exists, with these bindings and settings. */
export const isThere = (handler: Handler, services: Services): boolean =>
  conditions.get(handler)?.(services) ?? true;

/**
 * A route that sends or takes links. If no e-mail can be sent, the route does not exist: 404. The
 * handler takes what it needs as its second argument, so a route without this guard does not
 * compile.
 *
 * @param isOn whether the settings have the route
 */
export function byMail<I extends Input, R>(
  handler: (c: AppContext<I>, services: ByMail) => R,
  isOn: (settings: Settings) => boolean = () => true,
) {
  async function guard(c: AppContext<I>) {
    const { mail, settings } = c.var;
    if (!mail || !isOn(settings)) return fail(c, { kind: 'not-found' });
    return handler(c, { mail, links: linkSettings(settings) });
  }
  conditions.set(guard, ({ mail, settings }) => mail !== undefined && isOn(settings));
  return guard;
}

/** Answers 404 at a path whose routes do not exist, for every method. */
export const onlyWhereThere = ({ routes }: { routes: RouterRoute[] }) =>
  createMiddleware<AppEnv>(async function onlyWhereThere(c, next) {
    const here = routes.filter(({ path }) => path === c.req.path);
    if (!here.every(({ handler }) => isThere(handler, c.var)))
      return fail(c, { kind: 'not-found' });
    await next();
  });

/** @throws ServiceUnavailable if there is no key to sign links with */
export function linkSettings(settings: Settings): LinkSettings {
  const { secretKey, secretKeyFallbacks, passwordResetTimeoutSeconds: timeoutSeconds } = settings;
  if (secretKey === undefined) {
    const message = 'SECRET_KEY is not set. Set it: npm run wrangler -- secret put SECRET_KEY';
    throw new ServiceUnavailable('mail', message);
  }
  return { secretKey, secretKeyFallbacks, timeoutSeconds };
}
