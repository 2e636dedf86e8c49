-- Making databases, roles and the schema, by the owner.

-- name: setup.lock_first
SELECT pg_advisory_xact_lock(hashtext('clickstream.setup'));

-- name: setup.lock
LOCK TABLE public.schema_versions IN SHARE ROW EXCLUSIVE MODE;

-- name: setup.record_versions
INSERT INTO schema_versions (version) SELECT generate_series(1, %(newest)s) ON CONFLICT DO NOTHING;

-- name: setup.databases_of_role
-- The other databases of this server in which the role has rights or owns something.
SELECT DISTINCT d.datname
  FROM pg_shdepend AS s
  JOIN pg_database AS d ON d.oid = s.dbid
 WHERE s.refclassid = 'pg_authid'::regclass
   AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
   AND d.datname <> current_database()
 ORDER BY d.datname;

-- name: setup.has_schema
SELECT to_regclass('public.schema_versions') IS NOT NULL;

-- name: setup.installed_version
SELECT max(version) FROM schema_versions;

-- name: setup.has_role
SELECT FROM pg_roles WHERE rolname = %(role)s;

-- name: setup.create_role
CREATE ROLE {role} LOGIN;

-- name: setup.join_role
-- Only a member may give a database away; a superuser needs no membership.
GRANT {role} TO CURRENT_USER;

-- name: setup.set_password
ALTER ROLE {role} PASSWORD %(password)s;

-- name: setup.has_database
SELECT FROM pg_database WHERE datname = %(database)s;

-- name: setup.create_database
CREATE DATABASE {database};

-- name: setup.create_database_of
CREATE DATABASE {database} OWNER {owner};

-- name: setup.close_database
REVOKE ALL ON DATABASE {database} FROM PUBLIC;

-- name: setup.let_in
-- The sink works in temporary tables; a database closed to PUBLIC would not let it.
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {writer};
GRANT CONNECT ON DATABASE {database} TO {reader};
