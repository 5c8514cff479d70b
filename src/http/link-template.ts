/** The page that the links in e-mails lead to. */
import type { LinkPurpose } from '../auth/link-tokens.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import type { AppContext } from './context.ts';
import { basePathOf } from './mount.ts';

type LinkPage = {
  setting: 'passwordResetConfirmUrl' | 'activationUrl';
  /** The setting's var, for the log. */
  variable: string;
  /** What the page at `/account` calls this purpose (account/browser-client.js). */
  task: string;
};

const PAGES: Record<LinkPurpose, LinkPage> = {
  passwordReset: {
    setting: 'passwordResetConfirmUrl',
    variable: 'PASSWORD_RESET_CONFIRM_URL',
    task: 'reset',
  },
  activation: { setting: 'activationUrl', variable: 'ACTIVATION_URL', task: 'activate' },
};

/**
 * Where links for a purpose lead, with `{uid}` and `{token}` in it: where the setting says. If it is
 * unset, to the page at `/account` of the address that is served, but on this machine only: a
 * `Host` header must not decide where a real user's link leads.
 *
 * @throws ServiceUnavailable if the setting is missing, or leads to this machine although the
 *   request came by https to another host. Call it before anything depends on the typed address
 */
export function linkTemplate(c: AppContext, purpose: LinkPurpose): string {
  const { setting, variable, task } = PAGES[purpose];
  const template = c.var.settings[setting];
  const { origin, protocol, hostname } = new URL(c.req.url);
  const isServedHere = isLoopback(hostname);
  if (template === undefined) {
    if (isServedHere) return `${origin}${basePathOf(c)}/account#${task}/{uid}/{token}`;
    throw misconfigured(`${variable} is not set`, task);
  }
  if (protocol === 'https:' && !isServedHere && isLoopback(new URL(template).hostname)) {
    throw misconfigured(`${variable} leads to this machine`, task);
  }
  return template;
}

/** Names and addresses of the machine itself (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
const isLoopback = (hostname: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

const misconfigured = (problem: string, task: string) =>
  new ServiceUnavailable(
    'mail',
    `${problem}. Set it in wrangler.toml: "https://<your address>/account#${task}/{uid}/{token}"`,
  );
