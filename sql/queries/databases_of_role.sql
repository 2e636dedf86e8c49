-- The other databases of this server in which the role has rights or owns something.
SELECT DISTINCT d.datname
  FROM pg_shdepend AS s
  JOIN pg_database AS d ON d.oid = s.dbid
 WHERE s.refclassid = 'pg_authid'::regclass
   AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
   AND d.datname <> current_database()
 ORDER BY d.datname
