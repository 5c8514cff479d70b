import type { Handler, Input } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { RouterRoute } from 'hono/types';
import type { AccountMail, LinkServices } from '../auth/account-mail.ts';
import { ServiceUnavailable } from '../service-unavailable.ts';
import type { Services } from '../services.ts';
import type { Settings } from '../settings.ts';
import type { AppContext, AppEnv } from './context.ts';
import { fail } from './failure.ts';

/** When there are the routes of the handlers that `byMail` made. */
const conditions = new WeakMap<object, (services: Services) => boolean>();

/** Is there this handler's route, with these bindings and settings? */
export const isThere = (handler: Handler, services: Services): boolean =>
  conditions.get(handler)?.(services) ?? true;

/**
 * A route that sends or takes links. Where no e-mail can be sent there is no such route: 404. The
 * handler takes what it needs as its second argument, so a route whose guard was forgotten does not
 * compile.
 *
 * @param isOn may say that settings have it off
 */
export function byMail<I extends Input, R>(
  handler: (c: AppContext<I>, services: LinkServices) => R,
  isOn: (settings: Settings) => boolean = () => true,
) {
  async function guard(c: AppContext<I>) {
    const { mail, settings } = c.var;
    if (!mail || !isOn(settings)) return fail(c, { kind: 'not-found' });
    return handler(c, linkServices(mail, settings));
  }
  conditions.set(guard, ({ mail, settings }) => mail !== undefined && isOn(settings));
  return guard;
}

/** 404 at a path whose routes are not there, whatever the method. */
export const onlyWhereThere = ({ routes }: { routes: RouterRoute[] }) =>
  createMiddleware<AppEnv>(async function onlyWhereThere(c, next) {
    const here = routes.filter(({ path }) => path === c.req.path);
    if (!here.every(({ handler }) => isThere(handler, c.var)))
      return fail(c, { kind: 'not-found' });
    await next();
  });

/** @throws ServiceUnavailable where there is no key to sign links with */
export function linkServices(mail: AccountMail, settings: Settings): LinkServices {
  const { secretKey, secretKeyFallbacks, passwordResetTimeoutSeconds: timeoutSeconds } = settings;
  if (secretKey === undefined) {
    const message = 'SECRET_KEY is not set. Set it: npm run wrangler -- secret put SECRET_KEY';
    throw new ServiceUnavailable('mail', message);
  }
  return { mail, links: { secretKey, secretKeyFallbacks, timeoutSeconds } };
}
