/**
 * Limits the messages to one recipient. Messages are counted when they are sent, so a request that
 * sends no message does not count.
 */
import type { MessageCount, MessageOutcome } from '../auth/account-mail.ts';
import type { Result } from '../lib/result.ts';
import type { Message, SendMail } from './send-mail.ts';

/** The limit for messages of all kinds together. */
export const MESSAGES_PER_MINUTE = 5;

/**
 * The limit for each kind of message, and for each user whose link was requested by username. The
 * limits are separate, because anyone can register with another person's address and cause messages
 * to it. The owner of the address must still get a password reset. Ten links a day are enough,
 * because each of them stays valid.
 */
export const MESSAGES_OF_KIND_PER_DAY = 10;

/** Removes a message that could not be sent from the count. */
export type UncountMessage = () => Promise<void>;

/**
 * Counts a message before it is sent, so that concurrent messages cannot exceed the limit.
 *
 * @returns undefined instead of `UncountMessage` if nothing is counted
 */
export type CountMessage = (
  recipient: string,
  countedAs: MessageCount,
) => Promise<Result<UncountMessage | undefined, { kind: 'throttled' }>>;

/** Sends a message unless its recipient has had too many. Throws if the message cannot be sent. */
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
