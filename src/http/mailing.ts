/** What a request leads to by e-mail. All of it is sent once the answer is out, and logged. */
import type { AccountMail, Delivery, MessageOutcome } from '../auth/account-mail.ts';
import type { StaleLink } from '../auth/activation.ts';
import type { InvalidLink } from '../auth/password-reset.ts';
import type { PasswordRefused } from '../auth/passwords/validators.ts';
import type { User } from '../auth/users.ts';
import { logFault } from '../log.ts';
import { EmailSerializer } from '../validation/serializers.ts';
import { afterAnswer } from './after-answer.ts';
import { audit } from './audit.ts';
import type { AppContext, Body } from './context.ts';
import { fail } from './failure.ts';
import { readBody } from './read-body.ts';

/**
 * Answers who asks for links to an address: 204, whether or not somebody has it. Nothing is looked
 * up before the answer.
 */
export async function answerByMail(
  c: AppContext<Body<typeof EmailSerializer>>,
  mail: keyof AccountMail,
  send: (email: string) => Promise<Delivery[]>,
) {
  const body = await readBody(c, 'mail-address', EmailSerializer);
  if (!body.ok) return fail(c, body.error);
  const { email } = body.value;
  sendAfterAnswer(c, mail, () => send(email));
  return c.body(null, 204);
}

/** Sends links. */
export function sendAfterAnswer(
  c: AppContext,
  mail: keyof AccountMail,
  send: () => Promise<Delivery[]>,
): void {
  afterAnswer(c, async () => {
    for (const delivery of await send()) {
      if (delivery.outcome === 'failed') logFault(delivery.error);
      else auditMessage(c, mail, delivery.userId, delivery.outcome);
    }
  });
}

/** Tells users of a change to their account, at the address they had before. */
export function notify(
  c: AppContext,
  mail: 'passwordChanged' | 'emailChanged',
  { id, username, email }: Pick<User, 'id' | 'username' | 'email'>,
): void {
  const { mail: sender, settings } = c.var;
  if (!sender || !settings.accountEmailNotifications || email === '') return;
  afterAnswer(c, async () => {
    auditMessage(c, mail, id, await sender[mail]({ username, email }));
  });
}

function auditMessage(
  c: AppContext,
  mail: keyof AccountMail,
  user_id: number,
  outcome: MessageOutcome,
): void {
  if (outcome === 'sent') audit(c, { event: 'mail-sent', user_id, mail });
  else audit(c, { event: 'throttled', scope: 'message', user_id });
}

/** The answer to a link that is not good. The reason is logged. */
export function refuseLink(c: AppContext, failure: InvalidLink | StaleLink | PasswordRefused) {
  if (failure.kind !== 'password-refused') {
    const user_id = 'userId' in failure ? failure.userId : undefined;
    audit(c, { event: 'link-refused', user_id, reason: failure.kind });
  }
  return fail(c, failure);
}
