/** `manage sendtestemail`, Django's (django/core/management/commands/sendtestemail.py). */
import { hostname } from 'node:os';
import { rootCause } from '../lib/root-cause.ts';
import { sendByCloudflare } from '../mail/send-mail.ts';
import { parseSettings } from '../settings.ts';
import { CommandError } from './command-error.ts';
import type { Database } from './database.ts';
import { note, print } from './terminal.ts';

/** Sends a message to each address, by the binding and from the address that the Worker uses. */
export async function sendTestEmailCommand(
  { email, vars, isRemote }: Database,
  addresses: string[],
): Promise<void> {
  if (!email) throw new CommandError('wrangler.toml binds no EMAIL: see [[send_email]] there');
  const { defaultFromEmail: from } = parseSettings(vars);
  if (from === undefined)
    throw new CommandError('DEFAULT_FROM_EMAIL is not set: see wrangler.toml');
  const send = sendByCloudflare(email);
  const subject = `Test email from ${hostname()} on ${new Date().toISOString()}`;
  const text = "If you're reading this, it was successful.";
  for (const to of addresses) {
    try {
      await send({ from, to, subject, text, html: `<p>${text}</p>` });
    } catch (error) {
      throw new CommandError(`the message to ${to} was not sent: ${rootCause(error)}`);
    }
    print(`${isRemote ? 'Sent' : 'Accepted for sending'} to ${to}, from ${from}`);
  }
  if (!isRemote) note('Without --remote no message is sent, and none is kept.');
}
