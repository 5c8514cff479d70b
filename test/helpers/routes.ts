import { routesOf } from '../../src/app.ts';
import { admin } from '../../src/http/routes/admin/routes.ts';

/** The routes of the Worker. */
export const ROUTES = routesOf({ admin });
