/**
 * How many messages one recipient gets. They are counted where they are sent, so a request for a
 * message that is never sent costs the recipient nothing.
 */
import type { MessageCount, MessageOutcome } from '../auth/account-mail.ts';
import type { Result } from '../lib/result.ts';
import type { Message, SendMail } from './send-mail.ts';

/** Of all kinds together. */
export const MESSAGES_PER_MINUTE = 5;

/**
 * Of each kind by itself, and of each user whose link was asked for by name. One must not use up
 * another: anyone can register with another's address and have notices and links sent to it, and the
 * owner's reset must still arrive. A recipient who had ten links of an account today needs no other:
 * each of them still works.
 */
export const MESSAGES_OF_KIND_PER_DAY = 10;

/** Takes a message back that could not be sent. */
export type UncountMessage = () => Promise<void>;

/**
 * Counts a message before it is sent, so that messages at the same time cannot pass the limit
 * together.
 *
 * @returns undefined in place of `UncountMessage` if nothing is counted
 */
export type CountMessage = (
  recipient: string,
  countedAs: MessageCount,
) => Promise<Result<UncountMessage | undefined, { kind: 'throttled' }>>;

/** Sends a message if its recipient may get one. It throws if the message cannot be sent. */
export type SendWithinLimit = (
  countedAs: MessageCount,
  message: Message,
) => Promise<MessageOutcome>;

export const sendWithinLimit = (send: SendMail, countMessage: CountMessage): SendWithinLimit =>
  async function sendWithinLimit(countedAs, message) {
    const counted = await countMessage(message.to, countedAs);
    if (!counted.ok) return 'throttled';
    try {
      await send(message);
    } catch (error) {
      await counted.value?.();
      throw error;
    }
    return 'sent';
  };
