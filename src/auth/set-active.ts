import { djangoDatetime } from '../lib/django-datetime.ts';

type ActiveStore = {
  setActive: (id: number, isActive: boolean, now: string) => Promise<boolean>;
};

/**
 * Activates or deactivates a user. Deactivation also sets a last login if there is none. Without it an
 * activation link could activate the user again (auth/activation.ts).
 *
 * @returns whether the user exists
 */
export const setUserActive = (
  store: ActiveStore,
  { id }: { id: number },
  isActive: boolean,
): Promise<boolean> => store.setActive(id, isActive, djangoDatetime(new Date()));
