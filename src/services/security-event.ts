/** The events of the security log. They have no password, token, hash or e-mail address. */
import type { MailKind } from '../auth/account-mail.ts';
import type { StaleLink } from '../auth/activation.ts';
import type { InvalidCredentials } from '../auth/login.ts';
import type { InvalidLink } from '../auth/password-reset.ts';
import type { Act, ActRefusal } from '../auth/staff-permissions.ts';
import type { TokenLimitExceeded } from '../auth/tokens.ts';
import type { User } from '../auth/users.ts';
import type { RateLimitScope } from './rate-limits.ts';

export type SecurityEvent =
  | { event: 'registered'; user_id: number }
  | { event: 'login-succeeded'; user_id: number }
  | {
      event: 'login-failed';
      user_id: number | undefined;
      reason: InvalidCredentials['reason'] | TokenLimitExceeded['kind'];
    }
  | { event: 'throttled'; user_id: number | undefined; scope: RateLimitScope }
  | { event: 'password-changed'; user_id: number }
  | { event: 'password-change-refused'; user_id: number }
  | { event: 'username-changed'; user_id: number }
  | { event: 'username-change-refused'; user_id: number }
  | { event: 'email-changed'; user_id: number }
  | { event: 'email-change-refused'; user_id: number }
  | { event: 'names-changed'; user_id: number }
  | ({ event: 'rights-changed'; user_id: number } & Pick<User, 'is_staff' | 'is_superuser'>)
  | { event: 'deactivated'; user_id: number }
  | { event: 'sessions-ended'; user_id: number }
  | { event: 'reset-link-requested'; user_id: number }
  | { event: 'staff-act-refused'; user_id: number; act: Act; reason: ActRefusal['kind'] }
  | { event: 'rights-change-refused'; user_id: number }
  | { event: 'logged-out'; user_id: number }
  | { event: 'logged-out-everywhere'; user_id: number }
  | { event: 'token-revoked'; user_id: number }
  | { event: 'account-deleted'; user_id: number }
  | { event: 'account-deletion-refused'; user_id: number }
  | { event: 'hash-upgraded'; user_id: number }
  | { event: 'mail-sent'; user_id: number; mail: MailKind }
  | { event: 'mail-not-sent'; mail: MailKind }
  | { event: 'password-reset'; user_id: number }
  | { event: 'activated'; user_id: number }
  | { event: 'link-refused'; user_id: number | undefined; reason: LinkFailure['kind'] };

type LinkFailure = InvalidLink | StaleLink;
