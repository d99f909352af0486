#!/usr/bin/env bash
# Makes the roles and databases of the server, as PostgreSQL's administrator.
# What is there stays, but for the passwords, which are set again.
#     TEAM_DATABASE_PASSWORD=... TEAM_STUDIES_PASSWORD=... deploy/databases.sh
# Members know the password of the studies, so that role may not look into the other databases.
set -euo pipefail

psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --dbname postgres <<'SQL'
\getenv mlflow_password TEAM_DATABASE_PASSWORD
\getenv optuna_password TEAM_STUDIES_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['mlflow', 'optuna']) AS name
    WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE mlflow PASSWORD :'mlflow_password';
ALTER ROLE optuna PASSWORD :'optuna_password';
SELECT format('CREATE DATABASE %I OWNER %I', name, owner)
    FROM (VALUES ('mlflow', 'mlflow'), ('mlflow_auth', 'mlflow'), ('optuna', 'optuna')) AS wanted (name, owner)
    WHERE name NOT IN (SELECT datname FROM pg_database) \gexec
REVOKE CONNECT ON DATABASE mlflow, mlflow_auth, optuna FROM PUBLIC;
-- A worker of the server holds up to 14 connections, a worker of a search one or two. It counts from the next start.
ALTER SYSTEM SET max_connections = 200;
SQL
