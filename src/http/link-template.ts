/** The page that the links in e-mails lead to. */
import type { LinkPurpose } from '../auth/link-tokens.ts';
import { isLoopback } from '../lib/loopback.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import type { AppContext } from './context.ts';
import { basePathOf } from './mount.ts';

type LinkPage = {
  setting: 'passwordResetConfirmUrl' | 'usernameResetConfirmUrl' | 'activationUrl';
  /** The variable of the setting, for the log. */
  variable: string;
  /** The name of this purpose on the page at `/account` (pages/account/browser-client.js). */
  task: string;
};

const PAGES: Record<LinkPurpose, LinkPage> = {
  passwordReset: {
    setting: 'passwordResetConfirmUrl',
    variable: 'PASSWORD_RESET_CONFIRM_URL',
    task: 'reset',
  },
  usernameReset: {
    setting: 'usernameResetConfirmUrl',
    variable: 'USERNAME_RESET_CONFIRM_URL',
    task: 'username',
  },
  activation: { setting: 'activationUrl', variable: 'ACTIVATION_URL', task: 'activate' },
};

/**
 * The URL of the links for a purpose, with the placeholders `{uid}` and `{token}`: the setting. If
 * it is unset, the page at `/account` is the default, but only on a loopback address. Otherwise the
 * `Host` header of an attacker's request could choose the target of another user's link.
 *
 * @throws ServiceUnavailable if the setting is missing, or is a loopback address although the
 *   request came over https to another host. Call it before any work that depends on the requested
 *   e-mail address
 */
export function linkTemplate(c: AppContext, purpose: LinkPurpose): string {
  const { setting, variable, task } = PAGES[purpose];
  const template = c.var.settings[setting];
  const { origin, protocol, hostname } = new URL(c.req.url);
  const isLocal = isLoopback(hostname);
  if (template === undefined) {
    if (isLocal) return `${origin}${basePathOf(c)}/account#${task}/{uid}/{token}`;
    throw misconfigured(`${variable} is not set`, task);
  }
  if (protocol === 'https:' && !isLocal && isLoopback(new URL(template).hostname)) {
    throw misconfigured(`${variable} is a loopback address`, task);
  }
  return template;
}

const misconfigured = (problem: string, task: string) =>
  new ServiceUnavailable(
    'mail',
    `${problem}. Set this variable of the Worker: "https://<your address>/account#${task}/{uid}/{token}"`,
  );
