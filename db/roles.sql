-- Who may do what in the lab's own PostgreSQL. Run once, after schema.sql, by its
-- superuser, in the database `lab`. On a server that is not the lab's this is not
-- run: there all work is done by the one login that was given.

-- `lab_jobs` is what the job server connects as, `lab_neighbour` another
-- application on the same server. Neither is a superuser, so neither gets one of
-- the connections that PostgreSQL keeps in reserve. Roles belong to the whole
-- server: they may be there though the tables were not.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lab_jobs') THEN
    CREATE ROLE lab_jobs LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lab_neighbour') THEN
    CREATE ROLE lab_neighbour LOGIN;
  END IF;
END
$$;

REVOKE ALL ON DATABASE lab FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE lab TO lab_jobs, lab_neighbour;
GRANT USAGE ON SCHEMA public TO lab_jobs;
GRANT SELECT, INSERT, UPDATE ON jobs TO lab_jobs;
GRANT SELECT, UPDATE ON workers TO lab_jobs;
