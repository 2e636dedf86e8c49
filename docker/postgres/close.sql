-- At the first start of the service postgres: the database is for the roles that setup-db lets in.
REVOKE ALL ON DATABASE clickstream FROM PUBLIC;
