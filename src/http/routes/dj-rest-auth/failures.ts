/** Translates failures of the domain to dj-rest-auth's messages (dj_rest_auth/serializers.py). */
import { type Err, err } from '../../../lib/result.ts';
import type { ValidationErrors } from '../../../validation/failure.ts';
import { type Failure, UNABLE_TO_LOG_IN } from '../../errors.ts';

export const WRONG_OLD_PASSWORD =
  'Your old password was entered incorrectly. Please enter it again.';

/** django/contrib/auth/forms.py, `SetPasswordForm`. The apostrophe is Django's. */
export const NEW_PASSWORDS_DIFFER = 'The two password fields didn’t match.';

const INVALID_VALUE = 'Invalid value';

/** @param failure other kinds are returned as they are */
export function inItsWords(failure: Failure): Err<Failure> {
  switch (failure.kind) {
    case 'invalid-credentials':
      return invalid({ non_field_errors: [UNABLE_TO_LOG_IN] });
    case 'invalid-password':
      return invalid({ old_password: [WRONG_OLD_PASSWORD] });
    case 'password-mismatch':
      return invalid({ new_password2: [NEW_PASSWORDS_DIFFER] });
    case 'password-refused':
      return err({ ...failure, field: 'new_password2' });
    case 'invalid-uid':
      return invalid({ uid: [INVALID_VALUE] });
    case 'invalid-link-token':
    case 'inactive-user':
      return invalid({ token: [INVALID_VALUE] });
    default:
      return err(failure);
  }
}

const invalid = (errors: ValidationErrors) => err<Failure>({ kind: 'validation-error', errors });
