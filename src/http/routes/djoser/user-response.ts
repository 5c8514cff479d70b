import type { User } from '../../../auth/users.ts';
import type { AppContext } from '../../context.ts';
import { NO_STORE } from '../../no-store.ts';
import { MEG } from '../../openapi/examples.ts';

/** djoser/serializers.py, `UserSerializer`. */
export const serializeUser = ({ id, username, email }: User) => ({ email, id, username });

export const userResponse = (c: AppContext, user: User, status: 200 | 201 = 200) =>
  c.json(serializeUser(user), status, NO_STORE);

export const SERIALIZED_MEG = { email: MEG.email, id: MEG.id, username: MEG.username };
