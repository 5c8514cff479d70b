/** The routes of the staff page, for the option `admin` of `createApp`. */
import { adminPage } from '../../pages/admin/route.tsx';
import type { RouteSet } from '../../route-set.ts';
import { activate, deactivate, endUserSessions, resetPassword, setRights } from './acts.ts';
import { listChecks } from './checks.ts';
import { destroyUser, retrieveUser, updateUser } from './user.ts';
import { listUsers } from './users.ts';

export const admin: RouteSet = {
  name: 'admin',
  routes: [
    adminPage,
    listUsers,
    retrieveUser,
    updateUser,
    destroyUser,
    activate,
    deactivate,
    endUserSessions,
    resetPassword,
    setRights,
    listChecks,
  ],
};
