-- The DDL of django-rest-knox 5.0.2, as its migrations leave it on SQLite. The table is empty unless
-- TOKEN_MODEL is knox.AuthToken.
CREATE TABLE "knox_authtoken" ("digest" varchar(128) NOT NULL PRIMARY KEY, "created" datetime NOT NULL, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "expiry" datetime NULL, "token_key" varchar(25) NOT NULL);
--> statement-breakpoint
CREATE INDEX "knox_authtoken_token_key_8f4f7d47" ON "knox_authtoken" ("token_key");
--> statement-breakpoint
CREATE INDEX "knox_authtoken_user_id_e5a5d899" ON "knox_authtoken" ("user_id");
--> statement-breakpoint
-- Ours, and invisible to Django. Without it a login at the limit would read expired tokens.
CREATE INDEX "knox_authtoken_user_id_expiry" ON "knox_authtoken" ("user_id", "expiry");
