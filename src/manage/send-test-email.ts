/** `manage sendtestemail`, Django's (django/core/management/commands/sendtestemail.py). */
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { rootCause } from '../lib/root-cause.ts';
import { type Message, sendByCloudflare } from '../mail/send-mail.ts';
import { parseSettings } from '../settings.ts';
import { CommandError } from './command-error.ts';
import type { Database } from './database.ts';
import { print } from './terminal.ts';

/** `wrangler dev` keeps the messages of a local Worker in this folder. */
const LOCAL_MESSAGES = '.wrangler/tmp/email';

/**
 * Sends a message to each address, by the binding and from the address that the Worker uses. A local
 * binding sends nothing: then the message is written to a file.
 */
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
    const message = { from, to, subject, text, html: `<p>${text}</p>` };
    try {
      await send(message);
    } catch (error) {
      throw new CommandError(`the message to ${to} was not sent: ${rootCause(error)}`);
    }
    if (isRemote) print(`Sent to ${to}, from ${from}`);
    else
      print(
        `Not sent, because only --remote sends. To ${to}, from ${from}: ${await keep(message)}`,
      );
  }
}

/** @returns the path of the new file with the message */
async function keep({ from, to, subject, text }: Message): Promise<string> {
  await mkdir(LOCAL_MESSAGES, { recursive: true });
  const path = join(LOCAL_MESSAGES, `sendtestemail-${crypto.randomUUID()}.txt`);
  await writeFile(path, `From: ${from}\nTo: ${to}\nSubject: ${subject}\n\n${text}\n`);
  return path;
}
