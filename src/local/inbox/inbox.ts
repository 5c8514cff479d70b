/** Keeps the messages that the local Worker has sent, and prints their links in the terminal. */
import { wait } from '../../lib/wait.ts';

export type SentMessage = {
  id: string;
  /** Milliseconds since 1970. */
  sentAt: number;
  to: string;
  subject: string;
  text: string;
};

export type Inbox = {
  /** Wraps a binding, and keeps each message that it has sent. */
  keeping: (binding: SendEmail) => SendEmail;
  /** The newest message first. */
  messages: () => SentMessage[];
  /** Waits until the newest message is another one than `seen`, at most `MAX_WAIT_MS`. */
  change: (seen: string | undefined) => Promise<void>;
};

/** More than a lesson sends. The messages are in memory, until the server restarts. */
const MAX_MESSAGES = 50;

/** A page waits with one request, because `wrangler dev` prints a line for each. */
const MAX_WAIT_MS = 20_000;
const PAUSE_MS = 200;

/** A link has its own line (mail/messages.tsx). */
const LINK = /^https?:\S+$/gm;

export function createInbox(): Inbox {
  let messages: SentMessage[] = [];

  function keep({ to, subject, text = '' }: EmailMessageBuilder): void {
    const message = { id: crypto.randomUUID(), sentAt: Date.now(), to: String(to), subject, text };
    messages = [message, ...messages].slice(0, MAX_MESSAGES);
    print(message);
  }

  return {
    keeping: (binding) => ({
      async send(message: EmailMessage | EmailMessageBuilder) {
        // A raw message. This app sends none.
        if (!('subject' in message)) return binding.send(message);
        const result = await binding.send(message);
        keep(message);
        return result;
      },
    }),
    messages: () => messages,
    async change(seen) {
      const attempts = MAX_WAIT_MS / PAUSE_MS;
      const isSame = () => (messages[0]?.id ?? '') === seen;
      for (let attempt = 0; attempt < attempts && isSame(); attempt += 1) await wait(PAUSE_MS);
    },
  };
}

/**
 * Prints the links of a message. They are secrets, which the log never has elsewhere: they are valid
 * for the local database only, whose files the same developer owns.
 */
function print({ to, subject, text }: SentMessage): void {
  const links = text.match(LINK) ?? [];
  console.log([`Inbox: “${subject}”, to ${to}`, ...links].join('\n  '));
}
