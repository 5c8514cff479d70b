-- What `manage.py migrate` leaves in an SQLite file for django-rest-knox 5.0.2.
CREATE TABLE "knox_authtoken" ("digest" varchar(128) NOT NULL PRIMARY KEY, "created" datetime NOT NULL, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "expiry" datetime NULL, "token_key" varchar(25) NOT NULL);
CREATE INDEX "knox_authtoken_token_key_8f4f7d47" ON "knox_authtoken" ("token_key");
CREATE INDEX "knox_authtoken_user_id_e5a5d899" ON "knox_authtoken" ("user_id");
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0001_initial', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0002_auto_20150916_1425', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0003_auto_20150916_1526', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0004_authtoken_expires', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0005_authtoken_token_key', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0006_auto_20160818_0932', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0007_auto_20190111_0542', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0008_remove_authtoken_salt', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0009_extend_authtoken_field', strftime('%Y-%m-%d %H:%M:%f000', 'now'));
